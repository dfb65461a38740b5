package locale

// message is a text of the code, as it stands there, and its Spanish, with the
// same verbs in the same order. A verb in braces is a word of spanishWords.
//
// The Spanish names nobody (no "tú", no "usted"), begins with a capital and ends
// with a full stop where the English does, and leaves the API's own names alone.
// Many are the rest of a sentence that begins with the name of a field.
type message struct{ english, spanish string }

// spanishWords are the words that messages are made with, by wordKey.
func spanishWords() map[string]string {
	return map[string]string{
		// The kinds of rows.
		"facility":                 "un centro",
		"staffuser":                "una persona del personal",
		"resident":                 "un residente",
		"residentcontact":          "un contacto de residente",
		"allergy":                  "una alergia",
		"medication":               "un medicamento",
		"medicationingredient":     "un ingrediente de medicamento",
		"prescription":             "una prescripción",
		"activity":                 "una actividad",
		"activityexception":        "una excepción de actividad",
		"activityparticipation":    "una participación en una actividad",
		"wellness":                 "una valoración del bienestar",
		"revision":                 "una revisión",
		"room":                     "una habitación",
		"stay":                     "una estancia",
		"absence":                  "una ausencia",
		"holdperiod":               "un periodo de suspensión",
		"medicationadministration": "una administración de medicamento",
		"stockmovement":            "un movimiento de existencias",
		"auditevent":               "un suceso de auditoría",
		"apikey":                   "una clave de API",
		"substancelimit":           "un límite de sustancia",
		// What keeps a row from being removed.
		"allergies":      "alergias",
		"participations": "participaciones",
		"prescriptions":  "prescripciones",
		"wellnesschecks": "valoraciones del bienestar",
	}
}

func spanishMessages() []message {
	return []message{
		// Any field.
		{"must be given", "es obligatorio"},
		{"may be left out but not null", "se puede omitir, pero no puede ser null"},
		{"must be one of its values", "debe ser uno de sus valores"},
		{"must be one of %v", "debe ser uno de %v"},
		{"must be from %d to %d, is %d", "debe estar entre %d y %d; es %d"},
		{"must be from %s to %s, is %s", "debe estar entre %s y %s; es %s"},
		{"must have at most %d decimal places, is %s", "debe tener como máximo %d decimales; es %s"},
		{"must have at most %d characters, has %d", "debe tener como máximo %d caracteres; tiene %d"},
		{"must have at most 500 characters", "debe tener como máximo 500 caracteres"},
		{"must be valid text", "debe ser un texto válido"},
		{"must not contain control characters", "no debe contener caracteres de control"},
		{"must not be blank nor begin or end with a blank", "no debe estar en blanco ni empezar o terminar con un espacio"},
		{"must look like %q", "debe tener la forma de %q"},
		{"must not be in the future", "no debe estar en el futuro"},

		// Values that cannot be read.
		{"%.40q is not an id; an id looks like %q", "%.40q no es un id; un id tiene la forma de %q"},
		{"an id is a text such as %q", "un id es un texto como %q"},
		{"%.40q is not a date; a date looks like %q", "%.40q no es una fecha; una fecha tiene la forma de %q"},
		{"a date is a text such as %q", "una fecha es un texto como %q"},
		{"%.40q is not a time; a time looks like %q", "%.40q no es un instante; un instante tiene la forma de %q"},
		{"a time is a text such as %q", "un instante es un texto como %q"},
		{"%.40q is not a time of day; one looks like %q", "%.40q no es una hora del día; una hora tiene la forma de %q"},
		{"a time of day is a text such as %q", "una hora del día es un texto como %q"},
		{"%.40q is not a local date and time; one looks like %q", "%.40q no es una fecha y hora local; una tiene la forma de %q"},
		{"a local date and time is a text such as %q", "una fecha y hora local es un texto como %q"},
		{"%.40q is not a decimal number; one looks like %q", "%.40q no es un número decimal; uno tiene la forma de %q"},
		{"a decimal is a text such as %q", "un número decimal es un texto como %q"},
		{"%.40q has more than %d decimal places", "%.40q tiene más de %d decimales"},
		{"%.40q is too large or too fine to keep", "%.40q es demasiado grande o demasiado fino para guardarlo"},
		{"%.40q is too large to keep", "%.40q es demasiado grande para guardarlo"},
		{"must be a whole number from -2147483648 to 2147483647", "debe ser un número entero entre -2147483648 y 2147483647"},
		{"a cursor is a text from an earlier answer", "un cursor es un texto de una respuesta anterior"},
		{"%.40q is not a direction; it is ASC or DESC", "%.40q no es una dirección; las hay ASC y DESC"},

		// Lists and their pages.
		{"This is not a cursor of this list. Use a cursor from an answer with the same orderBy.",
			"Este no es un cursor de esta lista. Hay que usar un cursor de una respuesta con el mismo orderBy."},
		{"Give first or last, not both.", "Hay que indicar first o last, no ambos."},
		{"%s must be 0 or more, is %d.", "%s debe ser 0 o más; es %d."},
		{"%s may be at most %d, is %d.", "%s puede ser como máximo %d; es %d."},
		{"%s may be at most %d, are %d.", "%s pueden ser como máximo %d; son %d."},
		{"%.40q is nothing to order by.", "No se puede ordenar por %.40q."},

		// Rows: found, changed, removed.
		{"there is nothing by this id", "no existe nada con este id"},
		{"There is nothing with the id %s.", "No existe nada con el id %s."},
		{"there is no %s with this id", "no existe {%s} con este id"},
		{"There is no %s with the id %s.", "No existe {%s} con el id %s."},
		{"%s is the id of a %s, but a %s is needed, whose id looks like %q.",
			"%s es el id de {%s}, pero se necesita {%s}, cuyo id tiene la forma de %q."},
		{"must be the id of a %s, such as %q", "debe ser el id de {%s}, como %q"},
		{"it has changed since you read it", "ha cambiado desde la última lectura"},
		{"Somebody else has changed this; it is at version %d now. Read it again.",
			"Otra persona lo ha cambiado; ahora está en la versión %d. Hay que leerlo de nuevo."},
		{"There is nothing to change.", "No hay nada que cambiar."},
		{"it cannot be deleted while %s depend on it: there are %d", "no se puede eliminar mientras existan {%s} que dependan de ello: hay %d"},
		{"it is marked ENTERED_IN_ERROR already", "ya está marcado como ENTERED_IN_ERROR"},
		{"something that this refers to does not exist, or is still needed by something else",
			"algo a lo que esto se refiere no existe, o todavía se necesita en otro lugar"},
		{"there is one like it already", "ya existe uno igual"},

		// The home.
		{"must be an IANA time zone such as %q", "debe ser una zona horaria de IANA como %q"},
		{"cannot change once there are prescriptions or activities: their past times would move",
			"no se puede cambiar cuando ya hay prescripciones o actividades: se moverían sus horas pasadas"},
		{"must each have a code of at most 40 and a label of at most 120 characters",
			"deben tener cada uno un código de como máximo 40 caracteres y un nombre de como máximo 120"},
		{"must have different codes; %q stands twice", "deben tener códigos distintos; %q está repetido"},
		{"must not overlap; %q overlaps another", "no deben solaparse; %q se solapa con otro"},
		{"must cover the 24 hours of the day", "deben cubrir las 24 horas del día"},

		// Residents and their contacts.
		{"must be a BCP 47 language tag such as \"es-ES\"", "debe ser una etiqueta de idioma BCP 47 como \"es-ES\""},
		{"must be from 1900-01-01 to today", "debe estar entre 1900-01-01 y hoy"},
		{"must not be before the birth date", "no debe ser anterior a la fecha de nacimiento"},
		{"is only for a resident who is DECEASED", "es solo para un residente en estado DECEASED"},
		{"must be given with SCALE_2", "es obligatorio con SCALE_2"},
		{"cannot change after DECEASED", "no puede cambiar después de DECEASED"},
		{"must be given unless there is an email address", "es obligatorio si no hay una dirección de correo electrónico"},
		{"must be given unless there is a drug class", "es obligatorio si no hay una clase de medicamentos"},

		// Medications and prescriptions.
		{"must be given with the code, and only with it", "debe indicarse junto con el código, y solo con él"},
		{"must each be a lower-case slug such as \"penicillin\"", "deben escribirse cada una en minúsculas y con guiones, como \"penicillin\""},
		{"%s is not active and cannot be prescribed", "%s no está activo y no se puede prescribir"},
		{"must be a prescription of the same resident", "debe ser una prescripción del mismo residente"},
		{"must be after startsAt", "debe ser posterior a startsAt"},
		{"must be above doseAmount", "debe ser mayor que doseAmount"},
		{"must be at least doseAmount", "debe ser como mínimo doseAmount"},
		{"must have at most 24 times", "debe tener como máximo 24 horas del día"},
		{"must be in order and different", "deben estar en orden y ser distintas"},
		{"is only for scheduleKind TIMES_OF_DAY", "es solo para scheduleKind TIMES_OF_DAY"},
		{"is only for scheduleKind INTERVAL", "es solo para scheduleKind INTERVAL"},
		{"must be ONCE for kind ONE_OFF", "debe ser ONCE cuando kind es ONE_OFF"},
		{"is not for kind PRN", "no se usa cuando kind es PRN"},
		{"must be different days", "deben ser días distintos"},
		{"must not be given with everyNDays above 1", "no debe indicarse cuando everyNDays es mayor que 1"},
		{"must be given for a covert medication", "es obligatorio para una medicación encubierta"},
		{"must be given for STOPPED", "es obligatorio para STOPPED"},
		{"is only for STOPPED", "es solo para STOPPED"},
		{"must be given before the prescription can be ACTIVE", "es obligatorio antes de que la prescripción pueda estar ACTIVE"},
		{"cannot change from %s to %s", "no puede cambiar de %s a %s"},

		// Activities.
		{"must have a frequency of DAILY, WEEKLY or MONTHLY", "debe tener una frecuencia DAILY, WEEKLY o MONTHLY"},
		{"must have an interval from 1 to 99", "debe tener un intervalo entre 1 y 99"},
		{"must not have both a count and an until date", "no debe tener a la vez count y until"},
		{"must have a count from 1 to 1000", "debe tener un count entre 1 y 1000"},
		{"may have byDay only when WEEKLY", "puede tener byDay solo cuando es WEEKLY"},
		{"must have different days in byDay", "debe tener días distintos en byDay"},
		{"may have byMonthDay only when MONTHLY", "puede tener byMonthDay solo cuando es MONTHLY"},
		{"must have different days from 1 to 31 in byMonthDay", "debe tener días distintos entre 1 y 31 en byMonthDay"},
		{"must not end before the activity starts", "no debe terminar antes de que empiece la actividad"},
		{"must be true, or a new start, duration or location given instead",
			"debe ser true o, en su lugar, hay que indicar un nuevo inicio, una nueva duración o un nuevo lugar"},
		{"is only for DECLINED", "es solo para DECLINED"},
		{"is only for ATTENDED", "es solo para ATTENDED"},
		{"must be at most %d, twice the duration of the activity", "debe ser como máximo %d, el doble de la duración de la actividad"},
		{"cannot be %s before the activity has started", "no puede ser %s antes de que haya empezado la actividad"},
		{"all %d places are taken", "las %d plazas están ocupadas"},

		// Wellness.
		{"must be given where there is no measure", "es obligatorio cuando no hay ninguna medida"},
		{"must be given with diastolic", "es obligatorio junto con diastolic"},
		{"must be given with systolic", "es obligatorio junto con systolic"},
		{"must be above diastolic", "debe ser mayor que diastolic"},
		{"is only for a resident on oxygen", "es solo para un residente con oxígeno"},
		{"must be six numbers from 0 to 3", "deben ser seis números entre 0 y 3"},
		{"must be different feelings", "deben ser sentimientos distintos"},

		// Staff users and keys.
		{"must lie in the future", "debe estar en el futuro"},
		{"your role cannot make keys of people of this role", "su rol no permite crear claves de personas con este rol"},
		{"your role cannot say who somebody of this role is", "su rol no permite decir quién es una persona con este rol"},
		{"your role does not include this", "su rol no incluye esto"},
		{"this key can only read", "esta clave solo permite leer"},
		{"your role does not see this, and so cannot filter or order by it",
			"su rol no ve esto y por eso no puede filtrar ni ordenar por ello"},
		{"must be a person of the role FAMILY", "debe ser una persona con el rol FAMILY"},
		{"cannot change for the last active administrator: make another one first",
			"no se puede cambiar para el último administrador activo: primero hay que crear otro"},

		// Following what happens.
		{"%.40q is not the id of an event; one looks like %q", "%.40q no es el id de un evento; uno tiene la forma de %q"},
		{"the id of an event is a text such as %q", "el id de un evento es un texto como %q"},
		{"what happened since this event cannot be told any more: read the records again, and follow from their lastEventID",
			"ya no se puede decir qué ha ocurrido desde este evento: hay que leer de nuevo los registros y seguir desde su lastEventID"},
		{"too much has changed at once to be told one by one: read the records again, and follow from their lastEventID",
			"ha cambiado demasiado de una vez para decirlo uno por uno: hay que leer de nuevo los registros y seguir desde su lastEventID"},
		{"this subscription was ended: it was more than %d events behind. Follow again from the last event that was received.",
			"esta suscripción ha terminado: llevaba más de %d eventos de retraso. Se puede seguir de nuevo desde el último evento recibido."},
		{"subscribe over a WebSocket (graphql-transport-ws) or with Accept: text/event-stream",
			"para suscribirse hay que usar un WebSocket (graphql-transport-ws) o Accept: text/event-stream"},
		{"at most %d operations may run on one socket at a time", "como máximo pueden ejecutarse %d operaciones a la vez en un mismo socket"},
		{"a WebSocket is opened by GET", "un WebSocket se abre con GET"},
		{"only version 13 of WebSocket is spoken here", "aquí solo se habla la versión 13 de WebSocket"},
		{"the opening handshake of the WebSocket is not right", "la apertura del WebSocket no es correcta"},
		{"a page of another site may not connect", "una página de otro sitio no puede conectarse"},

		// The request and the server.
		{"the request cannot be read: it must be a JSON object with a query, and may have variables and an operationName",
			"la petición no se puede leer: debe ser un objeto JSON con un query, y puede tener variables y un operationName"},
		{"the request is not valid JSON", "la petición no es JSON válido"},
		{"something went wrong here; the request's id tells us what", "algo ha fallado aquí; el id de la petición permite saber qué"},
		{"say who you are: no data is shown to nobody", "hay que identificarse: sin identificación no se muestra ningún dato"},
		{"the request took too long and was given up", "la petición tardó demasiado y se abandonó"},
		{"the request was given up by its sender", "quien envió la petición la abandonó"},
		{"the disk is full: nothing can be kept until there is room; reading goes on",
			"el disco está lleno: no se puede guardar nada hasta que haya espacio; la lectura sigue funcionando"},
		{"nothing can be changed here at present: the records can only be read",
			"por ahora no se puede cambiar nada aquí: los registros solo se pueden leer"},
		{"the request took too long and was given up; nothing was changed",
			"la petición tardó demasiado y se abandonó; no se ha cambiado nada"},
		{"the server is stopping; nothing was changed, try again in a few seconds",
			"el servidor se está deteniendo; no se ha cambiado nada, conviene intentarlo de nuevo en unos segundos"},
	}
}
