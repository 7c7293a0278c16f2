// Package twin fills a tenant from what a real one tells of itself, and writes a tenant down in the same form: Microsoft Graph's
// JSON, with a companion for what Graph does not tell. It changes nothing in the tenant that it reads.
package twin
