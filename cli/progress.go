package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/text"
)

// heartbeat is how often progress without a terminal says that it is still there: CI systems end a job that is silent
// for some minutes.
const heartbeat = 30 * time.Second

// emptyingEvery is the least time between two lines about one bucket.
const emptyingEvery = 5 * time.Second

// progress shows what a command is doing.
type progress interface {
	observe(operation.Event)
	close()
}

// startProgress begins to show progress on standard error: lines that move at a terminal, plain ones elsewhere, and
// with --quiet only what needs attention. Close it before anything else is printed.
func (s *session) startProgress() progress {
	switch {
	case s.quiet:
		return &quietProgress{err: s.err}
	case s.live:
		return newLive(s.err, s.now())
	default:
		return newPlain(s.err, s.now())
	}
}

// startProgressByStack is startProgress for several environments at once: plain lines that name the stack, since moving
// lines of many would not fit on a screen.
func (s *session) startProgressByStack() progress {
	if s.quiet {
		return &quietProgress{err: s.err, byStack: true}
	}
	p := newPlain(s.err, s.now())
	p.log.byStack = true
	return p
}

// quietProgress shows warnings and failures only.
type quietProgress struct {
	err     *printer
	byStack bool
}

func (q *quietProgress) observe(e operation.Event) {
	if e.Kind == operation.Warning || e.Kind == operation.ResourceFailed {
		q.err.linef("%s: %s", program, describeOf(e, q.byStack))
	}
}

func (q *quietProgress) close() {}

// plain shows progress as lines that begin with the time since the command began.
type plain struct {
	err  *printer
	done chan struct{}
	wait sync.WaitGroup

	mu  sync.Mutex
	log progressLog
}

func newPlain(err *printer, start time.Time) *plain {
	p := &plain{err: err, done: make(chan struct{}), log: progressLog{start: start, last: start}}
	p.wait.Add(1)
	go func() {
		defer p.wait.Done()
		ticker := time.NewTicker(heartbeat / 10)
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				p.print(func(log *progressLog) []string { return log.tick(now) })
			case <-p.done:
				return
			}
		}
	}()
	return p
}

func (p *plain) observe(e operation.Event) {
	p.print(func(log *progressLog) []string { return log.event(e) })
}

func (p *plain) close() {
	close(p.done)
	p.wait.Wait()
}

func (p *plain) print(lines func(*progressLog) []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range lines(&p.log) {
		p.err.linef("%s", line)
	}
}

// progressLog decides which lines plain progress consists of. It knows no clock.
type progressLog struct {
	start, last time.Time // of the command, of the last line
	byStack     bool      // lines name the stack
	running     []running
	emptying    map[string]time.Time // last line about each bucket
}

// running is a resource whose operation has begun and not ended.
type running struct {
	stack, name, token, op string
	since                  time.Time
}

// event returns the lines for e.
func (l *progressLog) event(e operation.Event) []string {
	switch e.Kind {
	case operation.ResourceStart:
		if !shown(e) {
			return nil
		}
		l.running = append(l.running, running{e.Stack, e.Name, e.Type, e.Op, e.Time})
		if !aws.TypeOf(e.Type).Slow() {
			return nil
		}
	case operation.ResourceDone, operation.ResourceFailed:
		l.running = slices.DeleteFunc(l.running, func(r running) bool { return r.stack == e.Stack && r.name == e.Name && r.token == e.Type })
		if !shown(e) && e.Kind == operation.ResourceDone {
			return nil
		}
	case operation.Emptying:
		if last, ok := l.emptying[e.Bucket]; ok && e.Time.Sub(last) < emptyingEvery {
			return nil
		}
		if l.emptying == nil {
			l.emptying = map[string]time.Time{}
		}
		l.emptying[e.Bucket] = e.Time
	}
	return []string{l.line(e.Time, describeOf(e, l.byStack))}
}

// tick returns the heartbeat's line when it is due at now.
func (l *progressLog) tick(now time.Time) []string {
	if now.Sub(l.last) < heartbeat {
		return nil
	}
	if len(l.running) == 0 {
		return []string{l.line(now, "still working")}
	}
	var doing []string
	for _, r := range l.running {
		doing = append(doing, fmt.Sprintf("%s %s (%s)", verbs[r.op].doing, aws.TypeOf(r.token).Noun, text.Elapsed(now.Sub(r.since))))
	}
	return []string{l.line(now, "still "+strings.Join(doing, ", "))}
}

func (l *progressLog) line(now time.Time, message string) string {
	l.last = now
	return fmt.Sprintf("%6s  %s", text.Elapsed(now.Sub(l.start)), message)
}

// verb is an engine operation in words.
type verb struct{ doing, done, plain string }

var verbs = map[string]verb{
	"create":             {"creating", "created", "create"},
	"update":             {"updating", "updated", "update"},
	"replace":            {"replacing", "replaced", "replace"},
	"create-replacement": {"creating the replacement of", "replaced", "replace"},
	"delete-replaced":    {"deleting the replaced", "deleted the replaced", "delete the replaced"},
	"delete":             {"deleting", "deleted", "delete"},
	"import":             {"importing", "imported", "import"},
	"refresh":            {"looking at", "looked at", "look at"},
}

// shown tells whether an operation on a resource is worth a line: it changes something that exists at AWS.
func shown(e operation.Event) bool {
	_, known := verbs[e.Op]
	return known && !isOurs(e.Type) && e.Op != "refresh"
}

// describeOf is e in words, with its stack where that is to be told.
func describeOf(e operation.Event, byStack bool) string {
	if byStack && e.Stack != "" {
		return "[" + e.Stack + "] " + describe(e)
	}
	return describe(e)
}

// describe is e in words, without its time.
func describe(e operation.Event) string {
	switch v := verbs[e.Op]; e.Kind {
	case operation.Step:
		return strings.TrimSpace(e.Op+" "+e.Bucket) + messageAfter(e, ": ")
	case operation.ResourceStart:
		return fmt.Sprintf("%s %s %s …", v.doing, aws.TypeOf(e.Type).Noun, e.Name)
	case operation.ResourceDone:
		return fmt.Sprintf("%s %s %s (%s)", v.done, aws.TypeOf(e.Type).Noun, e.Name, text.Elapsed(e.Elapsed))
	case operation.ResourceFailed:
		if v.doing == "" {
			return fmt.Sprintf("%s %s failed%s", aws.TypeOf(e.Type).Noun, e.Name, messageAfter(e, ": "))
		}
		return fmt.Sprintf("%s %s %s failed (%s)%s", v.doing, aws.TypeOf(e.Type).Noun, e.Name, text.Elapsed(e.Elapsed), messageAfter(e, ": "))
	case operation.Warning:
		return "warning: " + e.Message
	case operation.AWS:
		return "AWS: " + e.Message
	case operation.Emptying:
		return fmt.Sprintf("emptying bucket %s: %s removed", e.Bucket, text.Count(e.Done, "object version"))
	default:
		return e.Message
	}
}

func messageAfter(e operation.Event, separator string) string {
	if e.Message == "" {
		return ""
	}
	return separator + e.Message
}
