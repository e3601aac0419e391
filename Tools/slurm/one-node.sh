#!/bin/bash
# A Slurm cluster on this machine only, to test job arrays. It needs no privileges.
#
#   apt-get install slurm-wlm munge
#   Tools/slurm/one-node.sh start ~/cluster
#   export SLURM_CONF=~/cluster/slurm.conf
#   sbatch --wrap hostname
#   Tools/slurm/one-node.sh stop ~/cluster
#
# Keys, logs and state are stored in the folder. It is not meant for production.
set -euo pipefail
export PATH="$PATH:/usr/sbin"

usage() { sed -n 's/^#   //p' "$0" >&2; exit 64; }
[ $# -eq 2 ] || usage
folder=$(realpath -m "$2")

start() {
  mkdir -p "$folder"/{state,spool,munge}
  chmod 700 "$folder/munge"
  [ -s "$folder/munge/key" ] || (umask 077; head -c 1024 /dev/urandom > "$folder/munge/key")
  # --force: munged requires that nobody else can write to the parent folders of its files, which may not hold on a
  # test machine.
  munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
    --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" 2>> "$folder/munge/warnings"

  # The machine's resources as Slurm counts them; a tenth of the memory is left for other programs.
  local node memory
  node=$(slurmd -C | head -n 1 | tr ' ' '\n' | grep -E '^(CPUs|SocketsPerBoard|CoresPerSocket|ThreadsPerCore)=' | tr '\n' ' ')
  memory=$(slurmd -C | tr ' ' '\n' | sed -n 's/^RealMemory=//p')
  cat > "$folder/slurm.conf" <<CONF
ClusterName=one-node
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MailProg=/bin/true
NodeName=$(hostname -s) NodeAddr=127.0.0.1 $node RealMemory=$((memory * 9 / 10)) State=UNKNOWN
PartitionName=main Nodes=$(hostname -s) Default=YES MaxTime=INFINITE State=UP
CONF
  SLURM_CONF="$folder/slurm.conf" slurmctld
  SLURM_CONF="$folder/slurm.conf" slurmd
  echo "export SLURM_CONF=$folder/slurm.conf"
}

stop() {
  for name in slurmd slurmctld munge; do
    local file="$folder/$name.pid"
    [ "$name" = munge ] && file="$folder/munge/pid"
    if [ -s "$file" ]; then kill "$(cat "$file")" || true; fi
  done
}

case "$1" in start) start ;; stop) stop ;; *) usage ;; esac
