package kernelext

import (
	"os"
	"time"
)

// patience bounds the wait for a reader of the standard streams that does not come.
const patience = 200 * time.Millisecond

// settle waits until what the cell printed before has been read. The kernel takes the
// standard streams and pictures from different pipes; without the wait, a picture overtakes
// the line printed before it whenever the machine is busy, and a notebook run twice is not
// the same notebook.
func settle(streams ...*os.File) {
	start := time.Now()
	for _, f := range streams {
		for unread(f) > 0 && time.Since(start) < patience {
			time.Sleep(200 * time.Microsecond)
		}
	}
}
