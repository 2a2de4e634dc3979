# SPDX-License-Identifier: Apache-2.0
probe-count = Zählt bis zu einer Zahl.
probe-count-to = Wo es endet.
probe-whoami = Sagt, wer fragt.
probe-odd = Sagt, was ein Terminal so nicht bekommen darf.
probe-wait = Wartet, bis es aufhören soll.
probe-secret = Sieht Inhalte an.
probe-words = Wörter, in einem Text.
probe-about = ein Prozess, den nur Prüfungen starten.
probe-flood = Schreibt mehr Protokoll, als jemand liest.
probe-ill = gepflanzte Krankheit
probe-wanted-365-days = verlangt werden höchstens 365 Tage
probe-wanted-rule = verlangt wird eine Regel
