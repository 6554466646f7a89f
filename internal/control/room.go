package control

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/format"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// What comes in takes many times its length once it is read: a list of small numbers twenty times. So there has to be room for it in the
// budget of runs, which no customer can take from others, before it is read. A request that finds none is refused before it is
// acknowledged, and comes again; a run waits, and holds nothing while it does.

// countedFrom is from how many bytes on what comes in needs room. Less is not counted.
const countedFrom = 64 << 10

func nothing() {}

// room takes room for what a request becomes once it is read.
func (p *Plane) room(in ipaas.Instance, payload ipaas.Payload) (release func(), err error) {
	n := memoryOf(payload)
	if n == 0 {
		return nothing, nil
	}
	release, there := p.engine.Memory.Reserve(tenantOf(in), n)
	if !there {
		return nil, &ipaas.Error{
			Kind: ipaas.Unavailable, Reason: ipaas.ReasonMemoryBusy, RetryAfter: time.Second,
			Message: "what the server has in memory for runs is in use, the most of it by runs of this customer or of many: " +
				"send again in a moment, send smaller bodies, or start the server with more --run-memory",
		}
	}
	return release, nil
}

// awaitRoom waits for room for what a run begins with. Meanwhile the run holds nothing, no worker and not what came in, either: there may
// be many that wait. The error is ctx's once its time is up, or what the store has against giving it back what came in.
func (p *Plane) awaitRoom(ctx context.Context, j *job) (release func(), err error) {
	n := memoryOf(j.execution.Payload)
	if n == 0 {
		return nothing, nil
	}
	if release, there := p.engine.Memory.Reserve(tenantOf(j.instance), n); there {
		return release, nil
	}
	j.execution.Payload.Body = nil
	goOn := nothing
	if j.worker {
		goOn = p.workers.rest(j.execution.CustomerID, storage.Group{InstanceUID: j.instance.UID, FlowID: j.execution.FlowID})
		p.wake()
	}
	release, err = p.engine.Memory.Await(ctx, tenantOf(j.instance), n)
	goOn()
	p.wake() // more of its flow may be taken
	if err != nil {
		return nothing, err
	}
	ex, err := p.store.GetExecution(ctx, j.execution.ID)
	if err != nil {
		release()
		return nothing, err
	}
	j.execution.Payload = ex.Payload
	return release, nil
}

// memoryOf returns about how many bytes a payload takes once it is read, rather too many; 0: so few that it does not matter.
func memoryOf(payload ipaas.Payload) int {
	body := payload.Body
	if len(body) < countedFrom {
		return 0
	}
	const (
		item   = 40  // of a list: where it stands, and a short number or text
		many   = 56  // a list or an object, besides what is in it
		named  = 100 // of an object: the field and its key
		copies = 3   // of the body: as it came, as a text, and as it is recorded
	)
	n := copies * len(body)
	switch kind, _ := format.MediaType(payload.ContentType); {
	case format.IsJSON(kind):
		quoted := false
		for i := 0; i < len(body); i++ {
			switch c := body[i]; {
			case c == '\\' && quoted:
				i++
			case c == '"':
				quoted = !quoted
			case quoted:
			case c == ',':
				n += item
			case c == ':':
				n += named - item
			case c == '[' || c == '{':
				n += many
			}
		}
	case kind == "application/x-www-form-urlencoded":
		for _, c := range body {
			if c == '&' {
				n += named
			}
		}
	}
	return n
}
