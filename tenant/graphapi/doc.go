// Package graphapi is the tenant's door for programs that speak Microsoft Graph: HTTP with its tokens, resources, queries,
// batches and change feeds. What is allowed and what is kept is the tenant's to say.
package graphapi
