function(){document.querySelectorAll('.whybook-frames:not([data-on])').forEach(function(box){
box.dataset.on=1;
var parts=box.firstElementChild,frames=Array.from(parts.children),axis=box.dataset.axis,at=0,all=false,
bar=document.createElement('div'),range=document.createElement('input'),say=document.createElement('output'),b=document.createElement('button');
range.type='range';range.min=0;range.max=frames.length-1;range.value=0;range.setAttribute('aria-label',axis);
b.type='button';b.textContent='Show all';b.setAttribute('aria-pressed',false);
bar.className='whybook-bar';bar.append(range,say,b);box.prepend(bar);
function show(){
at=+range.value;
frames.forEach(function(f,i){f.hidden=!all&&i!==at});
var n=frames[at].dataset.n;
say.textContent=axis+' '+n+' ('+(at+1)+' of '+frames.length+')';
range.setAttribute('aria-valuetext',n)}
range.oninput=show;
b.onclick=function(){all=!all;range.disabled=all;box.toggleAttribute('data-all',all);b.setAttribute('aria-pressed',all);show()};
box.onkeydown=function(e){
var d={ArrowLeft:-1,ArrowRight:1}[e.key];
if(!d||all||e.target.type==='search')return;
e.preventDefault();e.stopPropagation();
range.value=at+d;show()};
show()})}
