# Single message status
curl -X GET http://localhost:8080/api/v1/integrations/messages/12345/status \
-H "X-API-Key: <API_KEY>"
# Batch status check (up to 100 messages)
curl -X POST http://localhost:8080/api/v1/integrations/messages/batch-status \
-H "X-API-Key: <API_KEY>" \
-H "Content-Type: application/json" \
-d '{"message_ids": [12345, 12346, 12347]}'
