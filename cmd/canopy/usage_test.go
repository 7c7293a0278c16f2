package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Oliver Green\nCNF:4d5e": `Oliver Green\0ACNF:4d5e`,
		"red\x1b[31m":            `red\1B[31m`,
		"next\u0085line":         `next\C2\85line`,
		"Жанна 東京":               "Жанна 東京",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got, want := cleanLines("first\nCN=A\nCNF:1 is odd\tthere"), "first\n"+`CN=A\0ACNF:1 is odd\09there`; got != want {
		t.Errorf("lines: got %q, want %q", got, want)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"displayName", "mail", "mailNickname", "givenName"}
	for word, want := range map[string][]string{"displayNam": {"displayName"}, "dispalyname": {"displayName"}, "mial": {"mail"}, "zzz": {}} {
		if d := cmp.Diff(want, nearest(word, known)); d != "" {
			t.Errorf("%s (-want +got):\n%s", word, d)
		}
	}
}
