module github.com/canopy-sync/canopy/e2e/clients/azure

go 1.26.0

require github.com/hashicorp/go-azure-sdk/microsoft-graph v0.20260212.1143955

require github.com/hashicorp/go-azure-sdk/sdk v0.20260212.1143955

require (
	github.com/hashicorp/go-azure-helpers v0.76.2 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.7 // indirect
	github.com/hashicorp/go-uuid v1.0.3 // indirect
	github.com/hashicorp/go-version v1.7.0 // indirect
	golang.org/x/crypto v0.47.0 // indirect
	golang.org/x/oauth2 v0.30.0 // indirect
	software.sslmate.com/src/go-pkcs12 v0.4.0 // indirect
)
