# Get all conversations
curl -X GET "https://your-domain.com/api/v1/conversations" \
  -H "Authorization: Bearer YOUR_API_KEY"

# Get conversations for a specific company
curl -X GET "https://your-domain.com/api/v1/conversations?companyId=123e4567-e89b-12d3-a456-426614174000" \
  -H "Authorization: Bearer YOUR_API_KEY"
