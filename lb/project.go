package lb

import (
	"fmt"
	"strings"
)

const maxProjectName = 64 // characters, Keystone's limit

func (o CreateProject) apply(e *edit) (Result, error) {
	p := &Project{ID: e.hexID(o.ID), Enabled: true}
	c := &checker{kind: KindProject}
	c.newHexID(&e.Config, p.ID)
	o.Spec.fill(c, &e.Config, p)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setProject("", p), nil
}

func (o UpdateProject) apply(e *edit) (Result, error) {
	old, ok := e.projects.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindProject, o.ID)
	}
	if err := precondition(KindProject, o.ID, o.If, old.Revision); err != nil {
		return Result{}, err
	}
	p, c := *old, &checker{kind: KindProject, id: o.ID}
	o.Spec.fill(c, &e.Config, &p)
	if err := c.err(); err != nil {
		return Result{}, err
	}
	return e.setProject(old.Name, &p), nil
}

// A project takes its assignments with it; users for whom it was the default have none
// afterwards.
func (o DeleteProject) apply(e *edit) (Result, error) {
	p, ok := e.projects.Get(o.ID)
	if !ok {
		return Result{}, notFound(KindProject, o.ID)
	}
	if err := precondition(KindProject, o.ID, o.If, p.Revision); err != nil {
		return Result{}, err
	}
	if owns := e.belongings(o.ID); owns != "" {
		return Result{}, &Error{Kind: ErrInUse, Resource: KindProject, ID: o.ID, Msg: "still has " + owns + ", delete them first"}
	}
	for a := range e.Assignments() {
		if a.ProjectID == o.ID {
			e.unassign(a)
		}
	}
	for u := range e.Users() {
		if u.DefaultProjectID == o.ID {
			without := *u
			without.DefaultProjectID = ""
			e.setUser(u.Name, &without)
		}
	}
	e.projects = e.projects.Without(o.ID)
	e.projectNames = e.projectNames.Without(p.Name)
	return e.deleted(KindProject, o.ID), nil
}

func (e *edit) setProject(oldName string, p *Project) Result {
	p.Revision = e.revision
	e.projects = e.projects.With(p.ID, p)
	e.projectNames = renamed(e.projectNames, oldName, p.Name, p.ID)
	return e.wrote(KindProject, p.ID, p)
}

func (spec ProjectSpec) fill(c *checker, cfg *Config, p *Project) {
	if required(c, "name", &p.Name, spec.Name) {
		c.word(p.Name, maxProjectName)
		c.unique(cfg.projectNames, p.Name, p.ID)
	}
	optional(&p.Description, spec.Description, "")
	c.text("description", p.Description, maxText)
	optional(&p.Enabled, spec.Enabled, true)
	if !spec.Tags.IsAbsent() {
		tags, _ := spec.Tags.Get()
		p.Tags = c.sortedTags(tags)
	}
}

// belongings says what a project still has that only it can use or that serves traffic;
// "" is nothing.
func (c *Config) belongings(project string) string {
	secrets, containers := 0, 0
	for s := range c.Secrets() {
		if s.ProjectID == project {
			secrets++
		}
	}
	for s := range c.SecretContainers() {
		if s.ProjectID == project {
			containers++
		}
	}
	var parts []string
	for _, n := range []struct {
		count int
		what  string
	}{{c.Usage(project).LoadBalancer, "load balancers"}, {secrets, "secrets"}, {containers, "secret containers"}} {
		if n.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n.count, n.what))
		}
	}
	return strings.Join(parts, ", ")
}
