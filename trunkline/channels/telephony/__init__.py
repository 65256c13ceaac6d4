"""Telephony: SIP and RTP as pure protocol parts, a phone that speaks them, and the voice it speaks with."""
