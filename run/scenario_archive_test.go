package run

import (
	"bytes"
	"strings"
	"testing"
)

// archive is a text archive (txtar): a comment, and files that each begin with a line "-- name --".
type archive struct {
	comment []byte
	files   []file
}

type file struct {
	name string
	data []byte
}

func parse(text []byte) *archive {
	a := &archive{}
	into := &a.comment
	for line := range bytes.Lines(text) {
		if name, ok := marker(string(line)); ok {
			a.files = append(a.files, file{name: name})
			into = &a.files[len(a.files)-1].data
			continue
		}
		*into = append(*into, line...)
	}
	return a
}

// marker is the name in a line that begins a file.
func marker(line string) (string, bool) {
	line, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "-- ")
	name, end := strings.CutSuffix(line, " --")
	name = strings.TrimSpace(name)
	return name, ok && end && name != ""
}

func (a *archive) format() []byte {
	var b bytes.Buffer
	b.Write(a.comment)
	for _, f := range a.files {
		b.WriteString("-- " + f.name + " --\n")
		b.Write(f.data)
	}
	return b.Bytes()
}

func TestArchive(t *testing.T) {
	t.Parallel()
	const text = "what it is for\n\n-- config --\njoin: none\n-- do 1: a name with words --\nrun\n-- not a file\n-- --\n-- state --\n"
	a := parse([]byte(text))
	if got := string(a.format()); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
	if len(a.files) != 3 || a.files[1].name != "do 1: a name with words" || string(a.files[1].data) != "run\n-- not a file\n-- --\n" {
		t.Errorf("got %q", a.files)
	}
}
