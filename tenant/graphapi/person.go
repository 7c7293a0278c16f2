package graphapi

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// createUser makes a cloud user.
func createUser(c *call) (response, error) {
	e := c.entities["user"]
	in, err := readInput(e, c.body)
	if err != nil {
		return response{}, err
	}
	d, err := in.newUser(c.dir.Settings())
	if err != nil {
		return response{}, err
	}
	i, err := c.dir.Create(c.ctx, c.actor(), canopy.User, d)
	if err != nil {
		return response{}, err
	}
	return c.single(http.StatusCreated, e, i, e.contextOf(nil), "")
}

// newUser is what a body makes of a new user.
func (in *input) newUser(set tenant.Settings) (tenant.Draft, error) {
	d, err := in.draft(true)
	if err != nil {
		return d, err
	}
	for _, name := range []string{"accountEnabled", "displayName", "mailNickname", "userPrincipalName"} {
		if !in.has(name) {
			return d, in.e.property(name).invalid(in.e)
		}
	}
	if !in.has("passwordProfile") {
		return d, bad("A password must be specified to create a new user.")
	}
	if err := in.user(&d, set, true); err != nil {
		return d, err
	}
	if d.Set.Text("userType") == "" {
		d.Set["userType"] = canopy.Texts("Member")
	}
	return d, nil
}

// user checks what a user's properties may be, and reads the password.
func (in *input) user(d *tenant.Draft, set tenant.Settings, create bool) error {
	if upn := d.Set.Text(canopy.AttrUPN); upn != "" {
		name, domain, _ := strings.Cut(upn, "@")
		if name == "" || strings.ContainsFunc(name, func(r rune) bool {
			return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("'.-_!#^~", r)
		}) {
			return bad("Property userPrincipalName is invalid.")
		}
		if !slices.ContainsFunc(set.Domains, func(x tenant.Domain) bool { return x.Verified && x.Name == canopy.Fold(domain) }) {
			return bad("The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.")
		}
	}
	for name, ok := range map[canopy.Attr]func(string) bool{
		"userType":         func(s string) bool { return s == "Member" || s == "Guest" },
		"usageLocation":    func(s string) bool { return len(s) == 2 && strings.ToUpper(s) == s },
		canopy.AttrAlias:   plainAlias,
		"passwordPolicies": passwordPolicies,
		canopy.AttrMail:    func(s string) bool { return strings.Count(s, "@") == 1 },
		canopy.AttrSourceAnchor: func(s string) bool {
			return !strings.ContainsAny(s, "$_")
		},
	} {
		if text := d.Set.Text(name); text != "" && !ok(text) {
			return in.e.property(graphName(name)).invalid(in.e)
		}
	}
	for _, v := range d.Set["otherMails"] {
		if strings.Count(v.Str(), "@") != 1 {
			return in.e.property("otherMails").invalid(in.e)
		}
	}
	return in.password(d, set.Now, create)
}

// plainAlias tells whether a mail nickname has only what it may have.
func plainAlias(s string) bool {
	return !strings.ContainsAny(s, "@()\\[]\";:<>, ") && !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII || r < ' ' })
}

func passwordPolicies(s string) bool {
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "None" && p != "DisablePasswordExpiration" && p != "DisableStrongPassword" {
			return false
		}
	}
	return true
}

// password reads a password profile. The password itself is judged and forgotten: nobody signs in as a user here.
func (in *input) password(d *tenant.Draft, now time.Time, create bool) error {
	text, there := in.raw["passwordprofile"]
	if !there || string(text) == "null" {
		return nil
	}
	var given map[string]any
	if json.Unmarshal(text, &given) != nil {
		return in.e.property("passwordProfile").invalid(in.e)
	}
	profile := map[string]any{}
	for name, v := range given {
		profile[strings.ToLower(name)] = v
	}
	password, changed := profile["password"].(string)
	if create && !changed {
		return bad("A password must be specified to create a new user.")
	}
	if changed {
		if !strong(password, strings.Contains(d.Set.Text("passwordPolicies"), "DisableStrongPassword")) {
			return bad("The specified password does not comply with password complexity requirements. Please provide a different password.")
		}
		d.Set["lastPasswordChange"] = canopy.Values{canopy.Instant(now)}
	}
	forced := []string{}
	next, said := profile["forcechangepasswordnextsignin"].(bool)
	if next || !said && create {
		forced = append(forced, "next")
	}
	if mfa, _ := profile["forcechangepasswordnextsigninwithmfa"].(bool); mfa {
		forced = append(forced, "mfa")
	}
	if len(forced) == 0 {
		forced = []string{"no"}
	}
	d.Set["passwordForced"] = canopy.Texts(strings.Join(forced, " "))
	return nil
}

// strong tells whether a password is long enough and of three of four kinds of characters.
func strong(p string, weak bool) bool {
	kinds := 0
	for _, is := range []func(rune) bool{unicode.IsLower, unicode.IsUpper, unicode.IsDigit,
		func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }} {
		if strings.ContainsFunc(p, is) {
			kinds++
		}
	}
	return len(p) >= 8 && len(p) <= 256 && (weak || kinds >= 3)
}

// passwordRoles may change passwords.
var passwordRoles = []string{"User-PasswordProfile.ReadWrite.All", "Directory.ReadWrite.All"}

// updateUser changes a user.
func updateUser(c *call) (response, error) {
	e := c.entities["user"]
	in, err := readInput(e, c.body)
	if err != nil {
		return response{}, err
	}
	if in.has("passwordProfile") && !c.who.may(passwordRoles) {
		return response{}, denied()
	}
	id, err := c.identify(e, c.vars[0])
	if err != nil {
		return response{}, err
	}
	d, err := in.draft(false)
	if err == nil {
		err = in.user(&d, c.dir.Settings(), false)
	}
	if err != nil {
		return response{}, err
	}
	if err := c.manager(in, &d); err != nil {
		return response{}, err
	}
	d.Class = e.class
	return noContent(), c.dir.Update(c.ctx, c.actor(), id, d)
}

// manager takes manager@odata.bind.
func (c *call) manager(in *input, d *tenant.Draft) error {
	for name, ids := range in.binds {
		if name != "manager" || len(ids) != 1 {
			return bad("Invalid property '%s@odata.bind'.", name)
		}
		d.Links[canopy.AttrManager] = canopy.LinkChange{Added: []canopy.Ref{{Anchor: ids[0]}}}
	}
	return nil
}

// remove deletes an object of an entity.
func remove(name string) handler {
	return func(c *call) (response, error) {
		i, err := c.find(c.entities[name], c.vars[0])
		if err != nil {
			return response{}, err
		}
		return noContent(), c.dir.Delete(c.ctx, c.actor(), i.ID)
	}
}

// revoke ends a user's sessions: nobody has one here, so only the time is kept.
func revoke(c *call) (response, error) {
	i, err := c.find(c.entities["user"], c.vars[0])
	if err != nil {
		return response{}, err
	}
	now := c.dir.Settings().Now
	err = c.dir.Update(c.ctx, c.actor(), i.ID, tenant.Draft{Set: canopy.Attrs{"sessionsValidFrom": {canopy.Instant(now)}}})
	return jsonOf(http.StatusOK, []byte(`{"@odata.context":"`+c.root()+`/$metadata#Edm.Boolean","value":true}`)), err
}
