#!/usr/bin/python3
# SPDX-License-Identifier: MPL-2.0
"""Asks dnsdist on 127.0.0.1 for two names in turn until SIGTERM, and counts: a wrong verdict, no answer, the rest.

  ask.py NAME-THAT-DOES-NOT-EXIST NAME-THAT-DOES
"""
import signal, socket, struct, sys, time

on = True


def end(*_):
    global on
    on = False


def question(number, name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


signal.signal(signal.SIGTERM, end)
wanted = list(zip(sys.argv[1:], (3, 0)))
counts = {"right": 0, "wrong": 0, "unanswered": 0}
number = 0
while on:
    number = (number + 1) % 65536
    name, rcode = wanted[number % 2]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.3)
        udp.connect(("127.0.0.1", 53))
        try:
            udp.send(question(number, name))
            answer = udp.recv(4096)
            counts["right" if answer[:2] == struct.pack(">H", number) and answer[3] & 15 == rcode else "wrong"] += 1
        except OSError:
            counts["unanswered"] += 1
    time.sleep(0.002)
print(" ".join(f"{key}={value}" for key, value in counts.items()))
