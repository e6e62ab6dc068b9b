#!/bin/sh
# Links a program for the simulator: link.sh CC OUTPUT PROGRAM MACHINE [CHANGED], the last three being folders of objects. Those in
# CHANGED take the place of those of the same name in PROGRAM. The program's variables get sections of their own, which the
# simulator sets back before each run.
set -eu
cc=$1 output=$2 program=$3 machine=$4 changed=${5:-}
objects=$(find "$program" -name '*.o' | sort | while read -r object; do
  if [ -n "$changed" ] && [ -e "$changed/${object#"$program"/}" ]; then echo "$changed/${object#"$program"/}"; else echo "$object"; fi
done)
ld -r $objects -o "$output.o"
objcopy --rename-section .data=simdata --rename-section .bss=simbss "$output.o"
$cc -no-pie "$output.o" $(find "$machine" -name '*.o') -o "$output"
