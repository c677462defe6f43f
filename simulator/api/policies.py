"""ValidatingAdmissionPolicies, as far as manifests use them: their own expressions, evaluated by a CEL library.

Source: kubernetes `staging/src/k8s.io/apiserver/pkg/admission/plugin/policy` (`generic/policy_dispatcher.go`,
`validating/validator.go`). There, too, the parameter is looked up before the match conditions are: where it is missing
and the binding says Deny, everybody is refused. Only `failurePolicy: Fail` and the action Deny are known.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from simulator.api.api import Admit
from simulator.audit import Request
from simulator.client import ApiError, Obj
from simulator.documents import documents
from simulator.store.errors import denied
from simulator.store.resources import Resource

Find = Callable[[str, str, str], Obj | None]  # by resource, name and namespace

_VARIABLES = ("object", "oldObject", "params", "request", "variables")
_ENV = cel.NewEnv(variables=dict.fromkeys(_VARIABLES, cel.Type.DYN))
_CODES = {"Invalid": 422, "Forbidden": 403}


def policies(manifest: str, find: Find) -> Admit:
    """The admission of a cluster with these policies and bindings; `find` finds their parameters.

    It raises ApiError for an UPDATE or DELETE that one of them refuses.
    """
    bindings = _compiled(manifest)

    def admit(operation: str, kind: Resource, request: Request, old: Obj, new: Obj | None) -> None:
        for one in bindings:
            if one.concerns(operation, kind, request):
                _refuse(one, kind, request, one.objection(find, _asked(operation, request, old, new)))

    return admit


class _EvaluationError(Exception):
    """What the API server says of an expression that has no value."""


class _Expression:
    """Compiled once, with the message and reason that the manifest gives beside it."""

    def __init__(self, stated: Obj) -> None:
        self._text: str = stated["expression"]
        self._compiled = _ENV.compile(self._text)
        self.no = stated.get("message", f"failed expression: {self._text}"), stated.get("reason", "Invalid")

    def of(self, data: Mapping[str, Any]) -> Any:
        """Its value; _EvaluationError where it has none."""
        found = self._compiled.eval(data=data)
        if found.type() == cel.Type.ERROR:
            raise _EvaluationError(f"expression '{self._text}' resulted in error: {found.value()}")
        return found.plain_value()


class _Binding:
    """A policy as one of its bindings applies it."""

    def __init__(self, policy: Obj, binding: Obj) -> None:
        spec = policy["spec"]
        self.names = policy["metadata"]["name"], binding["metadata"]["name"]
        self._rules = spec["matchConstraints"]["resourceRules"]
        self._param: Obj | None = binding["spec"].get("paramRef")
        self._plural = f"{spec['paramKind']['kind'].lower()}s" if self._param else ""
        self._conditions = [_Expression(one) for one in spec.get("matchConditions", ())]
        self._variables = {one["name"]: _Expression(one) for one in spec.get("variables", ())}
        self._validations = [_Expression(one) for one in spec["validations"]]

    def concerns(self, operation: str, kind: Resource, request: Request) -> bool:
        """By its match constraints."""
        resource = "/".join(filter(None, (kind.plural, request.subresource)))
        wanted = ("resources", resource), ("operations", operation), ("apiGroups", kind.group)
        return any(all(word in rule[key] for key, word in wanted) for rule in self._rules)

    def objection(self, find: Find, asked: Mapping[str, Any]) -> tuple[str, str] | None:
        """Why it is refused, and the reason code."""
        found = find(self._plural, self._param["name"], self._param["namespace"]) if self._param else None
        if self._param and found is None:
            told = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
            return (told, "Invalid") if self._param["parameterNotFoundAction"] == "Deny" else None
        try:
            return self._judged({**asked, "params": found})
        except _EvaluationError as error:
            return str(error), "Invalid"

    def _judged(self, data: Mapping[str, Any]) -> tuple[str, str] | None:
        if not all(one.of(data) for one in self._conditions):
            return None
        known = {**data, "variables": self._known(data)}
        return next((one.no for one in self._validations if not one.of(known)), None)

    def _known(self, data: Mapping[str, Any]) -> Obj:
        """A variable without a value is missed only by what uses it."""
        found: Obj = {}
        for name, one in self._variables.items():
            try:
                found[name] = one.of({**data, "variables": found})
            except _EvaluationError:
                continue
        return found


@lru_cache
def _compiled(manifest: str) -> list[_Binding]:
    objects = list(documents(manifest))
    named = {one["metadata"]["name"]: one for one in objects if one["kind"] == "ValidatingAdmissionPolicy"}
    found = [one for one in objects if one["kind"] == "ValidatingAdmissionPolicyBinding"]
    return [_Binding(named[one["spec"]["policyName"]], one) for one in found]


def _asked(operation: str, request: Request, old: Obj, new: Obj | None) -> Mapping[str, Any]:
    user = {"username": request.user}
    asked = {"operation": operation, "name": request.name, "namespace": request.namespace, "userInfo": user}
    return {"request": {**asked, "dryRun": request.dry}, "oldObject": old, "object": new}


def _refuse(binding: _Binding, kind: Resource, request: Request, no: tuple[str, str] | None) -> None:
    if no:
        (policy, name), (why, reason) = binding.names, no
        told = f"ValidatingAdmissionPolicy '{policy}' with binding '{name}' denied request: {why}"
        error = denied(kind, request.name, told)
        raise ApiError(_CODES[reason], reason, error.message, error.details)
