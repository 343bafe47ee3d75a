// Package flint answers: which few attributes lead to this decision, and what do they mean?
//
// FLINT ("A Framework to Learn with Interpretation", Parekh, Mozharovskyi and d'Alche-Buc,
// NeurIPS 2021, arXiv 2010.09345) trains two things together: a predictor f, and an
// interpreter g that must say the same by way of a dictionary of attributes. Psi reads hidden
// layers of f and puts out the attributes phi(x), J numbers of which few should be active at a
// time; g(x) = h(phi(x)) is linear in them; a decoder d must rebuild the input from them, which
// keeps them about the input.
//
//	x --- f's layers ---- hidden ---- ... ---- f(x)
//	                        \
//	                        Psi ---- phi(x) ---- h ---- g(x)
//	                                    \
//	                                    d ---- x again
//
// Post hoc (Explain), f is a network that exists; only Psi, h and d are trained, and f's
// parameters stay as they are, to the bit.
//
//	in, err := flint.Of(arch).Hidden("relu2").Attributes(25).Fit(digits, flint.Training()).Build(ctx)
//
// Losses, networks, weights and schedules are those of the authors' code, on which their
// published numbers rest; where paper and code differ, the fields say so.
package flint
