// Package store keeps the sync half: connector spaces, metaverse, plans, exports, log. One file per noun, all SQL here;
// it decides nothing about people or groups, and what belongs together is written in one transaction.
package store
