curl -X GET http://localhost:8080/api/v1/integrations/onboarding \
-H "X-API-Key: <API_KEY>"
