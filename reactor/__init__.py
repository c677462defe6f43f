"""The reactor: detects outages, accepts events, and holds the vocabulary and the adapters that both packages use.

    Node object --watch--> verdict --> CloudEvent --> RQ queue "events" --intake--> one drift per VM, queue "drifts"
                                            ^                                        | due when the window ends
             resync: every open outage is reported again                             v
        lock the VM -- observe (live objects) -- decide (pure) -- act (one step, preconditions) -- record
             ^------------------ "again at T, because ..." or an end <-------------------|

`model` is pure vocabulary; `settings` knows every setting; `adapters` holds one package or file per external
system; `interventions` is what people can ask for; `wiring` makes the connections; `watch` turns Nodes into outages,
`web` turns events of other systems into hints, and shows people what happens. What is done about an outage is in the
package `workers`, which this package never imports: it enqueues by dotted name.
"""
