package expr

const sampleThumb = `"C7460CB3ACE5BBF5A1391484A2A59E2E3A5B44F9"`

// certSample is an example that reads the sample.
func certSample(function, gives string) Example {
	return Example{function + "([userCertificate])", gives}
}

var certNameSample = Example{`CertNameInfo([userCertificate], "UpnName", False)`, `"ann.lee@contoso.com"`}
