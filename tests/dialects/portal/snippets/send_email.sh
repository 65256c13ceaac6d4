curl -X POST http://localhost:8080/api/v1/integrations/messages/send \
-H "X-API-Key: <API_KEY>" \
-H "Content-Type: application/json" \
-d '{
"integration_id": 1,
"channel": "email",
"to": "client@example.com",
"body": "<h1>Hello</h1><p>Your order is confirmed.</p>",
"variables": {"name":"Maria","order_id":"ORD-456"}
}'
