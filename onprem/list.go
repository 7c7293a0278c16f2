package onprem

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// Row is one person of a list of the cloud's users. What is empty is as the cloud has it.
type Row struct {
	Line      int      `json:"line"`
	UPN       string   `json:"userPrincipalName"`
	SAM       string   `json:"samAccountName,omitempty"`
	Alias     string   `json:"alias,omitempty"`
	Display   string   `json:"displayName,omitempty"`
	GivenName string   `json:"firstName,omitempty"`
	Surname   string   `json:"lastName,omitempty"`
	Primary   string   `json:"primarySmtpAddress,omitempty"`
	Addresses []string `json:"emailAddresses,omitempty"`
}

// headings are the columns of a list, by the names that Exchange's and Entra's exports give them, folded and without blanks.
var headings = map[string]func(*Row, string){
	"userprincipalname":  func(r *Row, v string) { r.UPN = v },
	"samaccountname":     func(r *Row, v string) { r.SAM = v },
	"alias":              func(r *Row, v string) { r.Alias = v },
	"mailnickname":       func(r *Row, v string) { r.Alias = v },
	"displayname":        func(r *Row, v string) { r.Display = v },
	"firstname":          func(r *Row, v string) { r.GivenName = v },
	"givenname":          func(r *Row, v string) { r.GivenName = v },
	"lastname":           func(r *Row, v string) { r.Surname = v },
	"surname":            func(r *Row, v string) { r.Surname = v },
	"primarysmtpaddress": func(r *Row, v string) { r.Primary = v },
	"mail":               func(r *Row, v string) { r.Primary = v },
	"emailaddresses":     func(r *Row, v string) { r.Addresses = splitAddresses(v) },
	"proxyaddresses":     func(r *Row, v string) { r.Addresses = splitAddresses(v) },
}

// entraPlus is the + between two addresses of Entra's exports.
var entraPlus = regexp.MustCompile(`\+([A-Za-z0-9]+:)`)

// splitAddresses takes a cell apart: Exchange's exports part addresses by ; or |, Entra's by + before a prefix.
func splitAddresses(cell string) []string {
	var out []string
	for part := range strings.FieldsFuncSeq(entraPlus.ReplaceAllString(strings.Trim(cell, "{}"), ";$1"), func(r rune) bool { return r == ';' || r == '|' || r == ',' }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// ReadList reads a list of people. Rows that cannot be used are errors, each with its line; the others are given.
func ReadList(in io.Reader) ([]Row, []error) {
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, []error{listError(1, "", "the list has no heading: "+err.Error())}
	}
	for i := range head {
		head[i] = strings.ReplaceAll(canopy.Fold(strings.TrimSpace(strings.TrimPrefix(head[i], "\ufeff"))), " ", "")
	}
	if !slices.Contains(head, "userprincipalname") {
		return nil, []error{listError(1, "", "the list has no column UserPrincipalName")}
	}
	var rows []Row
	var errs []error
	taken := map[string]int{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, errs
		}
		var at *csv.ParseError
		if errors.As(err, &at) { // what follows cannot be told apart
			return rows, append(errs, listError(at.StartLine, "", at.Err.Error()))
		}
		if err != nil {
			return rows, append(errs, err)
		}
		line, _ := r.FieldPos(0)
		row := Row{Line: line}
		for i, cell := range cells {
			if i < len(head) && headings[head[i]] != nil && strings.TrimSpace(cell) != "" {
				headings[head[i]](&row, strings.TrimSpace(cell))
			}
		}
		if err := row.check(len(cells), len(head), taken); err != nil {
			errs = append(errs, err)
			continue
		}
		rows = append(rows, row)
	}
}

func listError(line int, object, text string) error {
	return &canopy.Error{Kind: canopy.Invalid, Code: "list", Object: object, Text: fmt.Sprintf("line %d: %s", line, text), Next: "correct the line; the others are not affected"}
}

// check says what is wrong with a row by itself, or with it and those before.
func (r *Row) check(cells, columns int, taken map[string]int) error {
	if cells != columns {
		return listError(r.Line, r.UPN, fmt.Sprintf("%d cells under %d headings", cells, columns))
	}
	if local, domain, _ := strings.Cut(r.UPN, "@"); local == "" || domain == "" {
		return listError(r.Line, r.UPN, fmt.Sprintf("%q is no sign-in name", r.UPN))
	}
	mine := map[string]string{"sign-in name " + canopy.Fold(r.UPN): ""}
	if r.SAM != "" {
		mine["sAMAccountName "+canopy.Fold(r.SAM)] = ""
	}
	if r.Alias != "" {
		if err := checkAlias(r.Alias); err != nil {
			return listError(r.Line, r.UPN, err.Error())
		}
		mine["alias "+canopy.Fold(r.Alias)] = ""
	}
	all := r.Addresses
	if r.Primary != "" {
		all = append(slices.Clone(all), r.Primary)
	}
	for _, a := range all {
		address := a
		if prefix, rest, found := strings.Cut(a, ":"); found {
			if !strings.EqualFold(prefix, "smtp") {
				continue
			}
			address = rest
		}
		if err := checkAddress(address); err != nil {
			return listError(r.Line, r.UPN, err.Error())
		}
		mine["address "+canopy.Fold(address)] = ""
	}
	for value := range mine {
		if before := taken[value]; before != 0 {
			return listError(r.Line, r.UPN, fmt.Sprintf("line %d has the %s too", before, value))
		}
	}
	for value := range mine {
		taken[value] = r.Line
	}
	return nil
}
