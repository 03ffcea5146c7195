// Package sim runs lease machines in a simulated world: hosts with clocks of their
// own, processes that freeze, crash and stall, a network that loses, repeats,
// reorders and cuts, a model of raft, and gates that stay open until their time has
// come. While it runs, checkers compare what the machines do with what must never
// happen: above all, two open gates at one instant.
//
// A world is made from a seed alone, so that every run can be repeated. The package
// must never read a clock, start a goroutine or use another source of chance.
package sim
