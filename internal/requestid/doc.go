// Package requestid carries the name of one request through everything that is
// done for it, so that an answer, its errors and its log lines can be matched.
//
// It is a leaf: it knows neither HTTP nor GraphQL, which both use it.
package requestid
