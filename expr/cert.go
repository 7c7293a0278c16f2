package expr

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// maxCert is the most octets that are taken for a certificate.
const maxCert = 64 << 10

// certCost is what reading a certificate costs, in bytes made.
const certCost = 16 << 10

// certificate reads a certificate from octets, or from base64 with or without its frame.
func certificate(v Value) (*x509.Certificate, error) {
	der := []byte(v.s)
	if len(der) > 2*maxCert {
		return nil, errors.New("it has too many octets")
	}
	if v.kind == Text || !bytes.HasPrefix(der, []byte{0x30}) {
		text := v.s
		if _, after, ok := strings.Cut(text, "-----BEGIN CERTIFICATE-----"); ok {
			text, _, _ = strings.Cut(after, "-----END CERTIFICATE-----")
		}
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			return nil, errors.New("it is neither DER nor base64")
		}
		der = b
	}
	return x509.ParseCertificate(der)
}

// certFunctions look into X.509 certificates, given as octets or as base64. They map over several.
var certFunctions = []function{
	{name: "IsCert", takes: "x", null: nullGivesFalse, maps: true, usage: "IsCert(certificate)", text: "whether it is a certificate", tries: []Example{{`IsCert("x")`, `False`}},
		call: func(m *machine, a []Value) (Value, error) {
			_, err := certificate(a[0])
			return Bool(err == nil), m.spend(certCost)
		}},
	certRow("CertSubject", "the subject's name", certSample(`CertSubject`, `"CN=ann.lee, OU=Sales, O=Contoso"`), subjectOf),
	certRow("CertSubjectNameDN", "the same as CertSubject", certSample(`CertSubjectNameDN`, `"CN=ann.lee, OU=Sales, O=Contoso"`), subjectOf),
	certRow("CertIssuer", "the issuer's name", certSample(`CertIssuer`, `"CN=ann.lee, OU=Sales, O=Contoso"`), issuerOf),
	certRow("CertIssuerDN", "the same as CertIssuer", certSample(`CertIssuerDN`, `"CN=ann.lee, OU=Sales, O=Contoso"`), issuerOf),
	certRow("CertSubjectNameOid", "the subject's name has no object identifier: always NULL", certSample(`CertSubjectNameOid`, `NULL`), nothingOf),
	certRow("CertIssuerOid", "the issuer's name has no object identifier: always NULL", certSample(`CertIssuerOid`, `NULL`), nothingOf),
	certRow("CertSerialNumber", "the serial number in hexadecimal digits", certSample(`CertSerialNumber`, `"00C0FFEE"`), func(c *x509.Certificate) (Value, error) {
		b := c.SerialNumber.Bytes()
		if len(b) == 0 || b[0]&0x80 != 0 { // as it is encoded: a leading zero keeps it positive
			b = append([]byte{0}, b...)
		}
		return Str(upperHex(b)), nil
	}),
	certRow("CertThumbprint", "the SHA-1 hash in hexadecimal digits", certSample(`CertThumbprint`, sampleThumb), thumbOf),
	certRow("CertHashString", "the same as CertThumbprint", certSample(`CertHashString`, sampleThumb), thumbOf),
	certRow("CertVersion", "the version, 3 as a rule", certSample(`CertVersion`, `"3"`), func(c *x509.Certificate) (Value, error) { return Str(strconv.Itoa(c.Version)), nil }),
	certRow("CertFormat", "always X509", certSample(`CertFormat`, `"X509"`), func(*x509.Certificate) (Value, error) { return Str("X509"), nil }),
	certRow("CertFriendlyName", "the name that a store gives it; a certificate alone has none, so it is empty", certSample(`CertFriendlyName`, `""`), func(*x509.Certificate) (Value, error) { return Str(""), nil }),
	certRow("CertNotBefore", "when it becomes valid", certSample(`CertNotBefore`, `2024-01-02T03:04:05Z`), func(c *x509.Certificate) (Value, error) { return At(c.NotBefore.UnixMicro()), nil }),
	certRow("CertNotAfter", "when it ceases to be valid", certSample(`CertNotAfter`, `2034-01-02T03:04:05Z`), func(c *x509.Certificate) (Value, error) { return At(c.NotAfter.UnixMicro()), nil }),
	certRow("CertKeyAlgorithm", "the object identifier of the key's algorithm", certSample(`CertKeyAlgorithm`, `"1.2.840.10045.2.1"`), keyOf(func(k certKey) string { return k.Algorithm.Algorithm.String() })),
	certRow("CertPublicKeyOid", "the same as CertKeyAlgorithm", certSample(`CertPublicKeyOid`, `"1.2.840.10045.2.1"`), keyOf(func(k certKey) string { return k.Algorithm.Algorithm.String() })),
	certRow("CertPublicKeyParametersOid", "the object identifier to which the key's parameters belong", certSample(`CertPublicKeyParametersOid`, `"1.2.840.10045.2.1"`), keyOf(func(k certKey) string { return k.Algorithm.Algorithm.String() })),
	certRow("CertKeyAlgorithmParams", "the parameters of the key's algorithm in hexadecimal digits", certSample(`CertKeyAlgorithmParams`, `"06082A8648CE3D030107"`), keyOf(func(k certKey) string { return upperHex(k.Algorithm.Parameters.FullBytes) })),
	certRow("CertSignatureAlgorithmOid", "the object identifier of the signature's algorithm", certSample(`CertSignatureAlgorithmOid`, `"1.2.840.10045.4.3.2"`), signatureOf),
	certRow("CertExtensionOids", "the object identifiers of the critical extensions", certSample(`CertExtensionOids`, `"2.5.29.15"`), func(c *x509.Certificate) (Value, error) {
		var out []Value
		for _, x := range c.Extensions {
			if x.Critical {
				out = append(out, Str(x.Id.String()))
			}
		}
		return Many(out), nil
	}),
	{name: "CertNameInfo", takes: "xtb", maps: true, usage: "CertNameInfo(certificate, kind, issuer)",
		text:  "one name of the subject, or of the issuer: kind is SimpleName, EmailName, UpnName, DnsName, DnsFromAlternativeName or UrlName; empty when there is none",
		tries: []Example{certNameSample}, call: certNameInfo},
}

// certRow is a function that takes a certificate alone.
func certRow(name, text string, example Example, of func(*x509.Certificate) (Value, error)) function {
	return function{name: name, takes: "x", maps: true, usage: name + "(certificate)", text: text, tries: []Example{example},
		call: func(m *machine, a []Value) (Value, error) {
			if err := m.spend(certCost); err != nil {
				return Value{}, err
			}
			c, err := certificate(a[0])
			if err != nil {
				return Value{}, badArg(1, "is no certificate: %s", err)
			}
			return of(c)
		}}
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }

func nothingOf(*x509.Certificate) (Value, error) { return Value{}, nil }

func thumbOf(c *x509.Certificate) (Value, error) {
	sum := sha1.Sum(c.Raw)
	return Str(upperHex(sum[:])), nil
}

func subjectOf(c *x509.Certificate) (Value, error) { return nameOf(c.RawSubject) }

func issuerOf(c *x509.Certificate) (Value, error) { return nameOf(c.RawIssuer) }

// certKey is a certificate's key as it is encoded.
type certKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

func keyOf(of func(certKey) string) func(*x509.Certificate) (Value, error) {
	return func(c *x509.Certificate) (Value, error) {
		var k certKey
		if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &k); err != nil {
			return Value{}, badArg(1, "has a key that cannot be read: %s", err)
		}
		return Str(of(k)), nil
	}
}

func signatureOf(c *x509.Certificate) (Value, error) {
	var whole struct {
		Body      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.Raw, &whole); err != nil {
		return Value{}, badArg(1, "has a signature that cannot be read: %s", err)
	}
	return Str(whole.Algorithm.Algorithm.String()), nil
}

// nameKeys are the short names of the parts of a name, as Windows writes them.
var nameKeys = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "S", "2.5.4.9": "STREET", "2.5.4.10": "O",
	"2.5.4.11": "OU", "2.5.4.12": "T", "2.5.4.42": "G", "2.5.4.43": "I", "2.5.4.17": "PostalCode", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "E",
}

// nameOf writes a name as Windows does: the last part first, with ", " between.
func nameOf(raw []byte) (Value, error) {
	parts, err := nameParts(raw)
	if err != nil {
		return Value{}, err
	}
	out := make([]string, len(parts))
	for i, p := range parts {
		value := p.value
		if strings.ContainsAny(value, ",+=\"\n<>#;") || value == "" || value[0] == ' ' || value[len(value)-1] == ' ' {
			value = `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
		}
		key := nameKeys[p.oid]
		if key == "" {
			key = "OID." + p.oid
		}
		out[len(parts)-1-i] = key + "=" + value
	}
	return Str(strings.Join(out, ", ")), nil
}

type namePart struct{ oid, value string }

func nameParts(raw []byte) ([]namePart, error) {
	var seq pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &seq); err != nil {
		return nil, badArg(1, "has a name that cannot be read: %s", err)
	}
	var out []namePart
	for _, set := range seq {
		for _, a := range set {
			s, ok := a.Value.(string)
			if !ok {
				continue
			}
			out = append(out, namePart{a.Type.String(), s})
		}
	}
	return out, nil
}

// certNameInfo finds one name of a certificate.
func certNameInfo(m *machine, a []Value) (Value, error) {
	if err := m.spend(certCost); err != nil {
		return Value{}, err
	}
	c, err := certificate(a[0])
	if err != nil {
		return Value{}, badArg(1, "is no certificate: %s", err)
	}
	raw, alternative := c.RawSubject, asn1.ObjectIdentifier{2, 5, 29, 17}
	if a[2].True() {
		raw, alternative = c.RawIssuer, asn1.ObjectIdentifier{2, 5, 29, 18}
	}
	parts, err := nameParts(raw)
	if err != nil {
		return Value{}, err
	}
	part := func(oids ...string) string {
		for _, oid := range oids {
			for i := len(parts) - 1; i >= 0; i-- {
				if parts[i].oid == oid {
					return parts[i].value
				}
			}
		}
		return ""
	}
	const cn, ou, o, email = "2.5.4.3", "2.5.4.11", "2.5.4.10", "1.2.840.113549.1.9.1"
	names := alternativeNames(c, alternative)
	switch a[1].s {
	case "SimpleName":
		return Str(first(part(cn, ou, o, email), names["email"], names["dns"])), nil
	case "EmailName":
		return Str(first(names["email"], part(email))), nil
	case "UpnName":
		return Str(names["upn"]), nil
	case "DnsName":
		return Str(first(names["dns"], part(cn))), nil
	case "DnsFromAlternativeName":
		return Str(names["dns"]), nil
	case "UrlName":
		return Str(names["url"]), nil
	}
	return Value{}, badArg(2, "must be one of SimpleName, EmailName, UpnName, DnsName, DnsFromAlternativeName, UrlName, is %s", described(a[1]))
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// alternativeNames are the first names of each kind in an extension.
func alternativeNames(c *x509.Certificate, id asn1.ObjectIdentifier) map[string]string {
	out := map[string]string{}
	keep := func(kind, name string) {
		if out[kind] == "" {
			out[kind] = name
		}
	}
	for _, x := range c.Extensions {
		if !x.Id.Equal(id) {
			continue
		}
		var names []asn1.RawValue
		if _, err := asn1.Unmarshal(x.Value, &names); err != nil {
			return out
		}
		for _, n := range names {
			switch n.Tag {
			case 0:
				keep("upn", upnOf(n.Bytes))
			case 1:
				keep("email", string(n.Bytes))
			case 2:
				keep("dns", string(n.Bytes))
			case 6:
				keep("url", string(n.Bytes))
			}
		}
	}
	return out
}

// upnOf reads the user principal name out of an alternative name of another kind.
func upnOf(b []byte) string {
	var id asn1.ObjectIdentifier
	rest, err := asn1.Unmarshal(b, &id)
	if err != nil || id.String() != "1.3.6.1.4.1.311.20.2.3" {
		return ""
	}
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(rest, &outer); err != nil {
		return ""
	}
	var upn string
	if _, err := asn1.UnmarshalWithParams(outer.Bytes, &upn, "utf8"); err != nil {
		return ""
	}
	return upn
}
