curl -X GET "https://your-domain.com/api/v1/companies" \
  -H "Authorization: Bearer YOUR_API_KEY"
