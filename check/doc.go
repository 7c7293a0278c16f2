// Package check says what is wrong with values, each by itself and all together: values in, findings and corrections out.
// It knows no directory, asks nobody, and holds nothing back.
package check
