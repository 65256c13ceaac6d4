curl -X POST http://localhost:8080/api/v1/integrations/messages/send \
-H "X-API-Key: <API_KEY>" \
-H "Content-Type: application/json" \
-d '{
"sms_routing": "platform",
"channel": "sms",
"to": "+40740111222",
"template_key": "appointment_reminder",
"variables": {"name":"Andrei","date":"2026-03-12 16:30"}
}'
