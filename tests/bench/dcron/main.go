// Joins a cluster of github.com/libi/dcron over Redis and writes a line for each function that the library calls.
//
// The lines are "fired JOB NANOSECONDS NODE KIND": when the function was entered, in Unix time, and whether its schedule
// called it ("turn") or the library ran it again after a change of the cluster ("again"). The library does not tell a
// function which instant it is called for. "started NODE" is written once the library has found its cluster steady; all
// other lines are the library's own log. SIGTERM leaves with the library's Stop.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/libi/dcron"
	"github.com/libi/dcron/driver"
	"github.com/redis/go-redis/v9"
)

// service names the cluster; all nodes of one Redis are in it.
const service = "bench"

// rerun is the function of the library that runs jobs outside their turn. Nothing else tells those calls apart.
const rerun = "reRunRecentJobs"

// callers is how many frames are looked at: rerun is three above the job's function.
const callers = 8

func main() {
	address := flag.String("redis", "127.0.0.1:6379", "host and port of the Redis that all nodes share")
	node := flag.String("node", "node", "how this process is called in its lines")
	jobs := flag.Int("jobs", 1, "how many jobs are registered")
	schedule := flag.String("schedule", "* * * * * *", "of each job, seconds first")
	stable := flag.Duration("cluster-stable", 0, "the window of the library's WithClusterStable; 0: without it")
	flag.Parse()
	if err := run(*address, *node, *jobs, *schedule, *stable); err != nil {
		log.Fatal(err)
	}
}

// run is a node of the cluster until a signal comes.
func run(address, node string, jobs int, schedule string, stable time.Duration) error {
	ending, forget := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer forget()
	client := redis.NewClient(&redis.Options{Addr: address})
	if err := client.Ping(ending).Err(); err != nil { // Start would only log it
		return fmt.Errorf("no Redis at %s: %w", address, err)
	}
	options := []dcron.Option{dcron.CronOptionSeconds()}
	if stable > 0 {
		options = append(options, dcron.WithClusterStable(stable))
	}
	cluster := dcron.NewDcronWithOption(service, driver.NewRedisDriver(client), options...)
	for number := range jobs {
		name := fmt.Sprintf("object-%05d", number)
		if err := cluster.AddFunc(name, schedule, func() { tell(name, node) }); err != nil {
			return fmt.Errorf("%s, %q: %w", name, schedule, err)
		}
	}
	cluster.Start() // returns once the cluster is steady
	fmt.Println("started " + node)
	<-ending.Done()
	cluster.Stop()
	return nil
}

// tell writes the line of one call, in one write: functions run side by side.
func tell(name, node string) {
	at := strconv.FormatInt(time.Now().UnixNano(), 10)
	os.Stdout.WriteString(strings.Join([]string{"fired", name, at, node, kind()}, " ") + "\n")
}

// kind says who called the job's function.
func kind() string {
	counters := make([]uintptr, callers)
	frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters)])
	for more := true; more; {
		var frame runtime.Frame
		if frame, more = frames.Next(); strings.HasSuffix(frame.Function, rerun) {
			return "again"
		}
	}
	return "turn"
}
