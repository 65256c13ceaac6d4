# List all templates
curl -X GET http://localhost:8080/api/v1/integrations/templates \
-H "X-API-Key: <API_KEY>"
# Filter by channel
curl -X GET "http://localhost:8080/api/v1/integrations/templates?channel=sms" \
-H "X-API-Key: <API_KEY>"
