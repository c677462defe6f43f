# The image of the role `fencing` for the provider fence-agent: vm-drift's own, and ClusterLabs' agents in /usr/sbin.
#   docker build -f k8s/fence-agents.Dockerfile --build-arg IMAGE=registry.example/vm-drift:TAG -t ... k8s
# IMAGE: one that was built on Debian, as the Dockerfile has it by default. No other role needs the agents.
ARG IMAGE
FROM ${IMAGE}
# What they call: ipmitool (fence_ipmilan), snmp (most PDUs), openssh-client (devices with a shell). Leave out what you do
# not use, and add what you do (libnet-telnet-perl, ...).
ARG TOOLS="ipmitool snmp openssh-client"
USER 0:0
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends fence-agents ${TOOLS} \
    && rm -rf /var/lib/apt/lists/*
USER 65532:65532
