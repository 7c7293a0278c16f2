// Package clients lets programs that others wrote call the tenant's Graph door: the JavaScript Graph client with MSAL, and
// HashiCorp's Go SDK. The clients are in modules of their own, and the product never links them.
package clients
