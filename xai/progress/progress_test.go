package progress

import (
	"context"
	"fmt"
	"testing"
)

func TestReport(t *testing.T) {
	Report(context.Background(), "nobody listens", 1, 2) // must not panic
	var got []Event
	ctx := WithReporter(context.Background(), func(e Event) { got = append(got, e) })
	Report(ctx, "fit", 1, 2)
	ReportDetail(ctx, "fit", 2, 2, "loss 0.1")
	if want := "[{fit 1 2 } {fit 2 2 loss 0.1}]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	Report(WithReporter(ctx, nil), "silenced", 1, 2) // must not panic
}
