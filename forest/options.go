package forest

import (
	"net"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
)

// Options say what forest is started. Domain is needed; everything else has a default.
type Options struct {
	Domain  string // the DNS name, "contoso.lab"
	Netbios string // "" is the domain's first label in capitals
	Host    string // the domain controller's name without the domain; "" is "dc1"
	Addr    string // where LDAPS listens; "" is "127.0.0.1:0"
	Plain   string // where LDAP with StartTLS listens; "" is the address of Addr with a port of the system's choice
	// Seed decides all GUIDs and SIDs, together with the domain and the order of what is done.
	Seed uint64
	// Clock gives the time of changes and of expiry; nil is the machine's. Certificates go by the machine's clock.
	Clock    func() time.Time
	Exchange bool // the schema has the Exchange attributes
	// AdminPassword is the password of CN=Administrator,CN=Users; "" lets nobody in under that name.
	AdminPassword string
	Accounts      []Account
	Behave        Behave
}

// Account is an account that may bind. Where no object has its name a user is made in CN=Users.
type Account struct {
	Name     string // sAMAccountName
	Password string
	Rights   Rights
}

// Rights are what an account may do besides reading what is not hidden.
type Rights struct {
	Replicate bool // DirSync without the object-security flag: DS-Replication-Get-Changes
	Write     bool // add, modify, rename, move, delete, everywhere
	Deleted   bool // see deleted objects
}

// Behave switches on what real domain controllers do and a small Samba does not, or do in the way of Samba otherwise.
type Behave struct {
	DirSyncPage int // objects in one DirSync answer; 0 is all
	MaxPageSize int // objects in one answer of a search, paged or not; 0 is no limit
	MaxValRange int // values of one attribute in one answer; 0 is all
	// Lifts lets the replication right lift what is hidden, deleted objects too, from DirSync without the
	// object-security flag.
	Lifts        bool
	PlainBind    bool   // simple binds are taken without TLS
	Referrals    bool   // a base outside the forest is answered with a referral, else with code 32
	ReferTo      string // host[:port] that referrals and references name; "" is the DNS name of the domain
	HideAttrs    []string
	HideObjects  []string // DNs; what is below them is hidden too. Only Administrator sees what is hidden
	MaxReceive   int      // octets of a request; 0 is 10 MiB. More ends the connection
	NoReferences bool     // no continuation references behind a search from the domain's head
}

// Windows is the behaviour of a Windows domain controller with its default limits.
func Windows() Behave {
	return Behave{DirSyncPage: 1000, MaxPageSize: 1000, MaxValRange: 1500, Lifts: true, Referrals: true}
}

// complete checks options and fills in the defaults.
func (o *Options) complete() error {
	o.Domain = strings.ToLower(strings.Trim(o.Domain, "."))
	if dn, ok := parseDN(domainDN(o.Domain)); !ok || len(dn) == 0 || o.Domain == "" {
		return &canopy.Error{Kind: canopy.Invalid, Object: o.Domain, Text: "not a DNS domain", Next: `give one such as "contoso.lab"`}
	}
	if o.Netbios == "" {
		first, _, _ := strings.Cut(o.Domain, ".")
		o.Netbios = strings.ToUpper(first[:min(len(first), 15)])
	}
	if o.Host == "" {
		o.Host = "dc1"
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return &canopy.Error{Kind: canopy.Invalid, Object: o.Addr, Text: "not an address to listen on", Err: err, Next: "give host:port, or host:0"}
	}
	if o.Plain == "" {
		o.Plain = net.JoinHostPort(host, "0")
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Behave.MaxReceive == 0 {
		o.Behave.MaxReceive = 10 << 20
	}
	return nil
}
