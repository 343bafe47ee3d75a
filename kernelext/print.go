package kernelext

import (
	"fmt"
	"strings"
)

// Printf shows text in its place among figures and checks. What fmt.Printf prints takes
// another way to the notebook and may arrive before what was shown earlier, or after what
// was shown later.
func Printf(format string, args ...any) {
	s := current()
	s.out.text(strings.TrimSuffix(fmt.Sprintf(format, args...), "\n"))
	s.out.flush()
}
