curl -X POST http://localhost:8080/api/v1/integrations/calls/initiate \
-H "X-API-Key: <API_KEY>" \
-H "Content-Type: application/json" \
-d '{
"to": "+40740111222",
"message": "Hello, this is a reminder for your appointment tomorrow.",
"webhook_url": "https://example.com/call-status"
}'
