curl -X POST http://localhost:8080/api/v1/integrations/messages/send \
-H "X-API-Key: <API_KEY>" \
-H "Content-Type: application/json" \
-d '{
"integration_id": 1,
"channel": "whatsapp",
"to": "+40740111222",
"template_key": "delivery_update",
"variables": {"name":"Ana","order":"A12"}
}'
