-- SPDX-License-Identifier: MIT
-- What a person reads from this module, by language.
return {
	en = {
		disabled = "This account is disabled. Please ask your organisation's administrators.";
		full = "Not kept: too many contacts are changed, or a name or group is too long.";
	};
	de = {
		disabled = "Dieses Konto ist gesperrt. Bitte wenden Sie sich an die Administration Ihrer Organisation.";
		full = "Nicht gespeichert: Zu viele Kontakte sind geändert, oder ein Name oder eine Gruppe ist zu lang.";
	};
};
