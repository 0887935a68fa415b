package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/operation"
	"github.com/branchenv/branchenv/internal/text"
)

// heartbeat is the time after which progress without a terminal prints a line even if nothing happens: CI systems end a job that is
// silent for some minutes.
const heartbeat = 30 * time.Second

// emptyingEvery is the least time between two lines for one bucket.
const emptyingEvery = 5 * time.Second

// progress shows the events of a command.
type progress interface {
	observe(operation.Event)
	close()
}

// startProgress begins to show progress on standard error: moving lines at a terminal, plain lines elsewhere, and with --quiet only
// warnings and failures. Close it before anything else is printed.
func (s *session) startProgress() progress {
	switch {
	case s.quiet:
		return s.quietProgress()
	case s.live:
		return newLive(s.err, s.now(), s.render)
	default:
		return newPlain(s.err, s.now(), eventWords{render: s.render})
	}
}

// startProgressByStack is startProgress for several environments at once. Its lines are plain and name the stack: moving lines of many
// environments would not fit on a screen.
func (s *session) startProgressByStack() progress {
	words := eventWords{render: s.render, byStack: true}
	if s.quiet {
		return &quietProgress{s.err, words}
	}
	return newPlain(s.err, s.now(), words)
}

// quietProgress returns a progress for a command, or a part of one, that changes nothing.
func (s *session) quietProgress() progress {
	return &quietProgress{s.err, eventWords{render: s.render}}
}

// quietProgress shows warnings and failures only.
type quietProgress struct {
	err   *printer
	words eventWords
}

func (q *quietProgress) observe(e operation.Event) {
	if e.Kind == operation.Warning || e.Kind == operation.ResourceFailed {
		q.err.linef("%s: %s", program, q.words.of(e))
	}
}

func (q *quietProgress) close() {}

// plain shows progress as lines. Each begins with the time since the command began.
type plain struct {
	err  *printer
	done chan struct{}
	wait sync.WaitGroup

	mu  sync.Mutex
	log progressLog
}

func newPlain(err *printer, start time.Time, words eventWords) *plain {
	p := &plain{err: err, done: make(chan struct{}), log: progressLog{words: words, start: start, last: start}}
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

// progressLog decides which lines plain progress prints. It reads no clock.
type progressLog struct {
	words       eventWords
	start, last time.Time // of the command, of the last line
	running     []running
	emptying    map[string]time.Time // the last line for each bucket
}

// running is a resource whose operation has begun and not ended.
type running struct {
	stack, name, token, op string
	since                  time.Time
}

// event returns the lines for an event.
func (l *progressLog) event(e operation.Event) []string {
	switch e.Kind {
	case operation.ResourceStart:
		if !changesAWS(e) {
			return nil
		}
		l.running = append(l.running, running{e.Stack, e.Name, e.Type, e.Op, e.Time})
		if !aws.TypeOf(e.Type).Slow() {
			return nil
		}
	case operation.ResourceDone, operation.ResourceFailed:
		l.running = slices.DeleteFunc(l.running, func(r running) bool { return r.stack == e.Stack && r.name == e.Name && r.token == e.Type })
		if !changesAWS(e) && e.Kind == operation.ResourceDone {
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
	return []string{l.line(e.Time, l.words.of(e))}
}

// tick returns the line of the heartbeat if it is due.
func (l *progressLog) tick(now time.Time) []string {
	if now.Sub(l.last) < heartbeat {
		return nil
	}
	if len(l.running) == 0 {
		return []string{l.line(now, "still working")}
	}
	var ongoing []string
	for _, r := range l.running {
		ongoing = append(ongoing, fmt.Sprintf("%s %s (%s)", verbs[r.op].ongoing, aws.TypeOf(r.token).Noun, text.Elapsed(now.Sub(r.since))))
	}
	return []string{l.line(now, "still "+strings.Join(ongoing, ", "))}
}

func (l *progressLog) line(now time.Time, message string) string {
	l.last = now
	return fmt.Sprintf("%6s  %s", text.Elapsed(now.Sub(l.start)), message)
}

// verb is an operation of the engine in words.
type verb struct{ ongoing, done, infinitive string }

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

// changesAWS reports whether an operation on a resource changes something at AWS. Only those get lines.
func changesAWS(e operation.Event) bool {
	_, known := verbs[e.Op]
	return known && !isOurs(e.Type) && e.Op != "refresh"
}

// eventWords puts events into words.
type eventWords struct {
	render  func(fault.Text) string
	byStack bool // the words name the stack
}

// of returns an event in words, without its time.
func (w eventWords) of(e operation.Event) string {
	if w.byStack && e.Stack != "" {
		return "[" + e.Stack + "] " + w.describe(e)
	}
	return w.describe(e)
}

func (w eventWords) describe(e operation.Event) string {
	switch v := verbs[e.Op]; e.Kind {
	case operation.Step:
		return strings.TrimSpace(e.Op+" "+e.Bucket) + w.cause(e)
	case operation.ResourceStart:
		return fmt.Sprintf("%s %s %s …", v.ongoing, aws.TypeOf(e.Type).Noun, e.Name)
	case operation.ResourceDone:
		return fmt.Sprintf("%s %s %s (%s)", v.done, aws.TypeOf(e.Type).Noun, e.Name, text.Elapsed(e.Elapsed))
	case operation.ResourceFailed:
		if v.ongoing == "" {
			return fmt.Sprintf("%s %s failed%s", aws.TypeOf(e.Type).Noun, e.Name, w.cause(e))
		}
		return fmt.Sprintf("%s %s %s failed (%s)%s", v.ongoing, aws.TypeOf(e.Type).Noun, e.Name, text.Elapsed(e.Elapsed), w.cause(e))
	case operation.Warning:
		return "warning: " + w.render(e.Message)
	case operation.AWS:
		return "AWS: " + w.render(e.Message)
	case operation.Emptying:
		return fmt.Sprintf("emptying bucket %s: %s removed", e.Bucket, text.Count(e.Done, "object version"))
	default:
		return w.render(e.Message)
	}
}

// cause returns the event's message, after a colon; "" if there is none.
func (w eventWords) cause(e operation.Event) string {
	if e.Message.IsZero() {
		return ""
	}
	return ": " + w.render(e.Message)
}
