package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// strict makes a mistyped command one of usage with a suggestion, on every level: by itself a group of commands would
// show its help and succeed.
func strict(c *cobra.Command) {
	for _, sub := range c.Commands() {
		strict(sub)
	}
	if !c.HasSubCommands() {
		return
	}
	own, args := c.RunE, c.Args
	c.Args = func(c *cobra.Command, words []string) error {
		if len(words) == 0 {
			return nil
		}
		if own != nil && args != nil && args(c, words) == nil {
			return nil
		}
		return unknownCommand(c, words[0])
	}
	if own == nil {
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
}

func unknownCommand(c *cobra.Command, word string) error {
	var near, all []string
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		all = append(all, sub.Name())
		if distance(word, sub.Name()) <= 2 || strings.HasPrefix(sub.Name(), word) {
			near = append(near, sub.Name())
		}
	}
	said := "there are " + strings.Join(all, ", ")
	if len(near) > 0 {
		said = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError{fmt.Errorf("unknown command %q for %q; %s", word, c.CommandPath(), said)}
}

// distance is how many letters must be changed, added, left out or exchanged with the next to make one word of another.
func distance(a, b string) int {
	x, y := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	rows := [3][]int{make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, last, now := rows[0], rows[1], rows[2]
		now[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		rows = [3][]int{last, now, before}
	}
	return rows[1][len(y)]
}

// version is what the binary was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
