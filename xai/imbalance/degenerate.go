package imbalance

import "fmt"

// ErrDegenerateClass says that a class has too few members for what is asked; match it with
// errors.As.
type ErrDegenerateClass struct {
	Class string // its name
	Need  int    // members that are needed at least
	Have  int    // members that there are
}

func (e ErrDegenerateClass) Error() string {
	return fmt.Sprintf("class %q has %d members; need at least %d", e.Class, e.Have, e.Need)
}
