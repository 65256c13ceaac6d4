# Get all contacts
curl -X GET "https://your-domain.com/api/v1/contacts" \
  -H "Authorization: Bearer YOUR_API_KEY"

# Get contacts for a specific company
curl -X GET "https://your-domain.com/api/v1/contacts?companyId=123e4567-e89b-12d3-a456-426614174000" \
  -H "Authorization: Bearer YOUR_API_KEY"
