-- SPDX-License-Identifier: MIT
-- What a person reads from this module, by language. gatehouse_texts = { de = { outage = "..." } } replaces single ones.
return {
	en = {
		refused = "Your organisation's rules do not allow this.";
		outage = "Not delivered: the compliance service is not available at the moment. Please try again later.";
		full = "Not delivered: too many messages are waiting to be checked. Please try again in a moment.";
		unaskable = "Not delivered: this is too large or built in a way that cannot be checked.";
	};
	de = {
		refused = "Die Regeln Ihrer Organisation lassen das nicht zu.";
		outage = "Nicht zugestellt: Der Prüfdienst ist zurzeit nicht erreichbar. Bitte versuchen Sie es später noch einmal.";
		full = "Nicht zugestellt: Zu viele Nachrichten warten auf ihre Prüfung. Bitte versuchen Sie es gleich noch einmal.";
		unaskable = "Nicht zugestellt: Das ist zu groß oder so aufgebaut, dass es nicht geprüft werden kann.";
	};
};
