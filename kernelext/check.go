package kernelext

import "fmt"

// Check writes a claim of a notebook down, ticked, if it holds. A claim that does not hold
// ends the cell, and with it "Run All": a notebook that says something about a model should
// notice when it is no longer true.
//
//	kernelext.Check(worst < 1e-6, "the error is at most %.1e", worst)
func Check(holds bool, claim string, args ...any) {
	current().check(holds, fmt.Sprintf(claim, args...))
}

func (s *session) check(holds bool, claim string) {
	if !holds {
		s.fail(fmt.Errorf("this does not hold: %s", claim))
		return
	}
	s.out.text("✓ " + claim)
	s.out.flush()
}
