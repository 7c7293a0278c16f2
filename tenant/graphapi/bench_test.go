package graphapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

var benchUsers = flag.Int("users", 2000, "how many users the benchmarks have")

// bench is a tenant with many users, served over TLS on loopback, and a client that keeps its connections.
type bench struct {
	b      *testing.B
	server *Server
	url    string
	client *http.Client
	token  string
	ids    []string
}

var benches sync.Map // one per durability, since filling takes long; it ends with the process

func benchOf(b *testing.B, d tenant.Durability) *bench {
	b.Helper()
	if x, ok := benches.Load(d); ok {
		y := *x.(*bench)
		y.b = b
		return &y
	}
	dir, err := os.MkdirTemp("", "canopy-graph-bench-")
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	open := func(d tenant.Durability) *tenant.Tenant {
		t, err := tenant.Open(ctx, filepath.Join(dir, "tenant.db"), tenant.Options{Initial: "contoso.onmicrosoft.com", Durability: d,
			Domains: []tenant.Domain{{Name: "contoso.com", Verified: true}}})
		if err != nil {
			b.Fatal(err)
		}
		return t
	}
	t := open(tenant.Volatile)
	x := &bench{b: b}
	for at := 0; at < *benchUsers; at += 1000 {
		var exports []canopy.Export
		for i := at; i < min(at+1000, *benchUsers); i++ {
			exports = append(exports, canopy.Export{ID: canopy.ExportID(i + 1), Op: canopy.Add, Class: canopy.User, SourceAnchor: fmt.Sprintf("anchor%07d", i), Set: canopy.Attrs{
				canopy.AttrUPN: canopy.Texts(fmt.Sprintf("user%07d@contoso.com", i)), canopy.AttrDisplayName: canopy.Texts(fmt.Sprintf("Person %07d", i*7919%(*benchUsers))),
				"department": canopy.Texts(fmt.Sprintf("Department %d", i%500)), "title": canopy.Texts("Engineer"), "city": canopy.Texts("Lund"),
				"givenName": canopy.Texts("Person"), "surname": canopy.Texts(fmt.Sprint(i)), "telephoneNumber": canopy.Texts(fmt.Sprintf("+46 46 %d", i)),
				canopy.AttrAddresses: canopy.Texts(fmt.Sprintf("SMTP:user%07d@contoso.com", i)), "accountEnabled": {canopy.Bool(true)}}})
		}
		results, err := t.Door().Write(ctx, exports)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range results {
			if r.Kind != canopy.Done {
				b.Fatalf("%+v", r)
			}
			x.ids = append(x.ids, string(r.Anchor))
		}
	}
	if err := t.Close(); err != nil {
		b.Fatal(err)
	}
	x.serve(open(d), dir)
	benches.Store(d, x)
	return x
}

// serve opens the door and signs a client in.
func (x *bench) serve(t *tenant.Tenant, dir string) {
	ctx := context.Background()
	var err error
	if x.server, err = New(ctx, Options{Tenant: t}); err != nil {
		x.b.Fatal(err)
	}
	l, err := Listen(ctx, x.server, "127.0.0.1:0", dir, nil)
	if err != nil {
		x.b.Fatal(err)
	}
	x.url = l.URL
	text, err := os.ReadFile(filepath.Join(dir, AuthorityName))
	if err != nil {
		x.b.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	x.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 64, DisableCompression: true}}
	app, _, err := x.server.dir.AddApp(ctx, "bench", Roles(), nil)
	if err != nil {
		x.b.Fatal(err)
	}
	if x.token, err = x.server.issuer.token(&app, "https://graph.microsoft.com"); err != nil {
		x.b.Fatal(err)
	}
}

// do sends one request and gives the body.
func (x *bench) do(method, path, body string, headers ...string) []byte {
	if !strings.HasPrefix(path, "https://") {
		path = x.url + "/v1.0" + path
	}
	req, err := http.NewRequestWithContext(context.Background(), method, strings.ReplaceAll(path, " ", "%20"), strings.NewReader(body))
	if err != nil {
		x.b.Error(err)
		return nil
	}
	req.Header.Set("Authorization", "Bearer "+x.token)
	req.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := x.client.Do(req)
	if err != nil {
		x.b.Error(err)
		return nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		x.b.Errorf("%s %s: %d %v %.300s", method, path, resp.StatusCode, err, text)
	}
	return text
}

// rate measures requests of several callers at once; per is what one request counts as.
func (x *bench) rate(callers, per int, what string, one func(n int64)) {
	var n atomic.Int64
	x.b.SetParallelism(max(callers/2, 1))
	x.b.ResetTimer()
	begin, busy := time.Now(), cpu(x.b)
	x.b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			one(n.Add(1))
		}
	})
	x.b.ReportMetric(float64(n.Load())*float64(per)/time.Since(begin).Seconds(), what)
	if aim := aims[x.b.Name()]; aim > 0 {
		x.b.ReportMetric(float64(n.Load())*float64(per)/time.Since(begin).Seconds()/aim, "of-aim")
	}
	x.b.ReportMetric(float64((cpu(x.b)-busy).Microseconds())/float64(n.Load())/float64(per), "cpu-us/"+strings.TrimSuffix(strings.TrimSuffix(what, "/s"), "s"))
}

// aims are rates that are wanted on two cores with nothing else to do.
var aims = map[string]float64{"BenchmarkGet": 5000, "BenchmarkBatch/full": 3000}

// cpu is what the process has used of all cores, client and server together.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// step spreads over all users.
func (x *bench) id(n int64) string { return x.ids[int(n*7919)%len(x.ids)] }

func BenchmarkGet(b *testing.B) {
	x := benchOf(b, tenant.Volatile)
	x.rate(16, 1, "reads/s", func(n int64) { x.do("GET", "/users/"+x.id(n), "") })
}

func BenchmarkList(b *testing.B) {
	x := benchOf(b, tenant.Volatile)
	x.rate(4, 999, "users/s", func(int64) { x.do("GET", "/users?$top=999", "") })
}

// BenchmarkPaging reads the first and the last page of the list, whose costs are to be the same.
func BenchmarkPaging(b *testing.B) {
	x := benchOf(b, tenant.Volatile)
	for _, at := range []struct {
		name string
		from int
	}{{"first", 0}, {"last", *benchUsers - 101}} {
		b.Run(at.name, func(b *testing.B) {
			y := *x
			y.b = b
			token := seal(place{At: tenant.Position{Number: int64(at.from)}, Hash: (&query{}).hash()})
			y.rate(1, 1, "pages/s", func(int64) { y.do("GET", "/users?$skiptoken="+token, "") })
		})
	}
}

func BenchmarkFilter(b *testing.B) {
	x := benchOf(b, tenant.Volatile)
	for _, f := range []struct {
		name, query string
		advanced    bool
	}{{"by name", "$filter=userPrincipalName eq 'user%07d@contoso.com'", false}, {"by prefix", "$filter=startswith(displayName,'Person %05d')", false},
		{"by department", "$filter=department eq 'Department %d'&$top=100", false}} {
		b.Run(f.name, func(b *testing.B) {
			y := *x
			y.b = b
			y.rate(4, 1, "queries/s", func(n int64) {
				y.do("GET", "/users?"+fmt.Sprintf(f.query, int(n)%min(500, *benchUsers)), "")
			})
		})
	}
}

func BenchmarkPatch(b *testing.B) {
	for _, d := range []tenant.Durability{tenant.Durable, tenant.Volatile} {
		b.Run(string(d), func(b *testing.B) {
			x := benchOf(b, d)
			x.rate(32, 1, "writes/s", func(n int64) {
				x.do("PATCH", "/users/"+x.id(n), fmt.Sprintf(`{"usageLocation":"%s"}`, []string{"SE", "NO", "DK", "FI"}[n/int64(len(x.ids))%4+n%2]))
			})
		})
	}
}

func BenchmarkBatch(b *testing.B) {
	for _, d := range []tenant.Durability{tenant.Durable, tenant.Volatile} {
		b.Run(string(d), func(b *testing.B) {
			x := benchOf(b, d)
			x.rate(8, maxBatch, "writes/s", func(n int64) {
				var body bytes.Buffer
				for i := range maxBatch {
					sep := ","
					if i == 0 {
						sep = `{"requests":[`
					}
					fmt.Fprintf(&body, `%s{"id":"%d","method":"PATCH","url":"/users/%s","headers":{"Content-Type":"application/json"},"body":{"otherMails":["m%d@example.org"]}}`,
						sep, i, x.id(n*maxBatch+int64(i)), n)
				}
				body.WriteString("]}")
				if got := x.do("POST", "/$batch", body.String()); bytes.Count(got, []byte(`"status":204`)) != maxBatch {
					b.Errorf("got %.500s", got)
				}
			})
		})
	}
}

func BenchmarkCreate(b *testing.B) {
	x := benchOf(b, tenant.Durable)
	stamp := time.Now().UnixNano()
	x.rate(32, 1, "writes/s", func(n int64) {
		x.do("POST", "/users", fmt.Sprintf(`{"accountEnabled":true,"displayName":"N","mailNickname":"n%[1]d","userPrincipalName":"n%[2]d-%[1]d@contoso.com","passwordProfile":{"password":"xWwvJ]6NMw"}}`, n, stamp))
	})
}

func BenchmarkDelta(b *testing.B) {
	x := benchOf(b, tenant.Volatile)
	b.Run("everything", func(b *testing.B) {
		y := *x
		y.b = b
		y.rate(1, *benchUsers, "users/s", func(int64) { y.follow("/users/delta?$select=displayName") })
	})
	b.Run("nothing changed", func(b *testing.B) {
		y := *x
		y.b = b
		link := y.follow("/users/delta?$deltatoken=latest")
		y.rate(1, 1, "rounds/s", func(int64) { y.do("GET", link, "") })
	})
}

// follow reads a round to its end.
func (x *bench) follow(path string) string {
	for {
		text := x.do("GET", path, "")
		for _, name := range []string{"@odata.deltaLink", "@odata.nextLink"} {
			if at := bytes.Index(text, []byte(`"`+name+`":"`)); at >= 0 {
				rest := text[at+len(name)+4:]
				path = strings.ReplaceAll(string(rest[:bytes.IndexByte(rest, '"')]), `\u0026`, "&")
				if name == "@odata.deltaLink" {
					return path
				}
			}
		}
	}
}
