// Package lab is the product on one machine: three forests with people who come, move and leave, and a tenant.
package lab
