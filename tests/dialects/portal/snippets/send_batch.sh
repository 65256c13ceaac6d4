curl -X POST http://localhost:8080/api/v1/integrations/messages/send-batch \
-H "X-API-Key: <API_KEY>" \
-H "Content-Type: application/json" \
-d '{
"integration_id": 1,
"sms_routing": "platform",
"channel": "whatsapp",
"template_key": "delivery_update",
"recipients": [
{"to":"+40740111222","variables":{"name":"Ana","order":"A12"}},
{"to":"+40740333444","variables":{"name":"Mihai","order":"A13"}}
]
}'
