// Package limits says how much one operation may ask for, and how much one viewer.
//
// A document is counted in three steps, each of which bounds the work of the next:
// CheckText reads its tokens, as many as are allowed and no more; a survey looks once at
// each of its fields and fragments, by themselves; a plan follows the fragments, as the
// executor will, and gives up after a fixed number of visits. All of that is done
// before the document is validated, since to validate a hostile one is what costs.
//
// What is left of a document is its plan: from it and the variables follows the cost,
// which is the number of objects that the answer may hold at most.
package limits
