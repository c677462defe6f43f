"""A cluster that can be unplugged.

`store` is the pure heart: objects with the API's semantics under an injected clock. `api` puts users, authorization and
the audit in front of it; `apiserver` is a thin HTTP skin over `api`. `actors` are API clients that take small steps
(kubelet, node lifecycle, scheduler, virt-controller, attach-detach, CSI attacher); `world` steps them in virtual time.

Only tests and the command line's `--simulate` import this package. It knows nothing of the reactor's decisions.
"""
