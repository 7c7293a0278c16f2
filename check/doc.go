// Package check says what is wrong with values: values in, findings out. It knows no directory, and holds nothing back.
package check
