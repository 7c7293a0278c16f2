package check

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// benchObjects is how many objects the file has, and of how many one has trouble.
const (
	benchObjects = 100_000
	benchTrouble = 50
)

// benchFile writes the people of a large forest as ldifde does.
func benchFile(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "forest.ldif")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprint(w, "version: 1\n")
	for i := range benchObjects {
		mail := fmt.Sprintf("person%06d@contoso.com", i)
		if i%benchTrouble == 0 {
			mail = fmt.Sprintf("per son%06d@contoso.com", i/2)
		}
		fmt.Fprintf(w, "\ndn: CN=Person %06d,OU=Staff,DC=contoso,DC=com\nchangetype: add\nobjectClass: top\nobjectClass: person\nobjectClass: organizationalPerson\nobjectClass: user\n", i)
		fmt.Fprintf(w, "cn: Person %06d\nsn: Person\ngivenName: %06d\ndisplayName: Person %06d\ntitle: Clerk\ndepartment: Sales\ncompany: Contoso\ntelephoneNumber: +44 20 7946 0815\n", i, i, i)
		fmt.Fprintf(w, "objectGUID:: %s\nuserAccountControl: 512\nsAMAccountName: p%06d\nuserPrincipalName: person%06d@contoso.com\nmail: %s\nmailNickname: person%06d\n", "kIOHBlqNRUuYDYf9hf1dVw==", i, i, mail, i)
		fmt.Fprintf(w, "proxyAddresses: SMTP:%s\nproxyAddresses: smtp:p%06d@contoso.com\nproxyAddresses: X500:/o=Contoso/ou=Exchange/cn=Recipients/cn=%06d\nmemberOf: CN=All,OU=Groups,DC=contoso,DC=com\n", mail, i, i)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkFile checks a file of 100,000 people, and tells how many a second, and how much longer that takes than reading
// the file line by line.
func BenchmarkFile(b *testing.B) {
	path := benchFile(b)
	var read, checked time.Duration
	for b.Loop() {
		from := time.Now()
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		bytes := 0
		for lines.Scan() {
			bytes += len(lines.Bytes())
		}
		f.Close()
		read += time.Since(from)

		from = time.Now()
		if f, err = os.Open(path); err != nil {
			b.Fatal(err)
		}
		c := New(Options{})
		n, err := File(f, c.Add)
		r := c.Result()
		f.Close()
		checked += time.Since(from)
		if err != nil || n.Records != benchObjects || r.Objects != benchObjects || len(r.Fixes) == 0 {
			b.Fatalf("got %+v, %d objects, %d corrections, %v", n, r.Objects, len(r.Fixes), err)
		}
	}
	b.ReportMetric(float64(benchObjects*b.N)/checked.Seconds(), "objects/s")
	b.ReportMetric(checked.Seconds()/read.Seconds(), "x-plain-read")
	b.ReportMetric(0, "ns/op")
}
